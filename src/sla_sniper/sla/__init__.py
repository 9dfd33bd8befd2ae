"""Calendars, policies and the clock."""
