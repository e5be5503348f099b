"""Price indices and price trends. No Django."""
