"""A verified SLA clock, an honest breach forecast and the escalations that are worth it."""
