"""The ratio report of the Washington Department of Revenue."""
