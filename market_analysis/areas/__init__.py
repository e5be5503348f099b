"""Areas as markets: what each is like, and which resemble each other. No Django."""
