"""The environment is read here and nowhere else."""
