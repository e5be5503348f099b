"""What proves a load complete: counts, sums and the form of the source."""
