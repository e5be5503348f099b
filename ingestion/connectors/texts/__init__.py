"""Text files: delimited and of fixed width."""
