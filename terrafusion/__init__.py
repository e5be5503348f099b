"""TerraFusion: the system of record and analysis of a county assessor's office."""

__version__ = "0.4.0.dev0"  # defined only here; between releases it is the next version with .dev0
