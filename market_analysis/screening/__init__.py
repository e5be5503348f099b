"""Sales that staff should look at."""
