"""The legacy database: what it has, what is asked of it, and what it answers."""
