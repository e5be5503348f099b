"""The screening: it finds sales that staff should look at."""
