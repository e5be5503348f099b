"""The sales ratio study: its sales, its measures, what stands behind them, and the report."""
