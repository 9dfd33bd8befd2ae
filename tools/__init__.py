"""What `make` runs on the repository itself; nothing here is installed."""
