"""What every route shares: how it answers, refuses and describes itself."""
