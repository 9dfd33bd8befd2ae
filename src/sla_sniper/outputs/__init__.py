"""What leaves the workspace: CSV and reports."""
