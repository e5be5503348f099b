"""The roll as the API shows it."""
