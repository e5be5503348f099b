"""The sales ratio study: its sales, its measures and verdicts, and its report."""
