"""The forecast: p_breach of each running clock, calibrated, never leaking, with its reasons."""
