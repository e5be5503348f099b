"""The analyses: each a function from a Question to an Answer. No Django."""
