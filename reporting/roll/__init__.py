"""The assessment roll as a report."""
