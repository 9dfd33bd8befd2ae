"""One function a verb; surfaces call nothing else."""
