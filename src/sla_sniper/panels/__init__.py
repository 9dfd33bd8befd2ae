"""Tables and chart specifications as values."""
