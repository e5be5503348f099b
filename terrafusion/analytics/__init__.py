"""The analytics store: immutable snapshots of the roll, and the engines that query them.

See docs/decisions/0003-parquet-duckdb-clickhouse.md.
"""
