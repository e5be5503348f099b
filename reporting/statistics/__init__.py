"""Ratio statistics: a pure library. No Django, no clock; any other package may import it."""
