"""The processes that run jobs, and how they take them from the table."""
