"""The value change report."""
