"""Errors, instants and the columns of the canonical tables."""
