"""Benchmarks against peers. Their figures are written to bench/results."""
