"""The map page of an export, its tiles, and the look-up of districts at a point."""
