"""Configuration files read into settings."""
