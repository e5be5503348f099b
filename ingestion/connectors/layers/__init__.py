"""Layers of shapes."""
