"""The command center."""
