"""Ratio statistics as a library of pure functions: no Django, no clock. Any other package may import it."""
