"""The event log: mapping a file's columns, the store, and reading it back as of an instant."""
