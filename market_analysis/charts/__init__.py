"""The charts of the analyses."""
