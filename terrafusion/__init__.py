"""TerraFusion: the system of record and analysis of a county assessor's office."""

__version__ = "0.1.0"  # as in pyproject.toml
