"""What was known about each running clock at each landmark."""
