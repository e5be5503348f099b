"""The API of every kind of job."""
