"""The analyses. Each of them is a function from a Question to an Answer. No Django."""
