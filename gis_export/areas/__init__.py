"""Where things lie: areas of interest, coordinate reference systems, and coordinates rounded for a file."""
