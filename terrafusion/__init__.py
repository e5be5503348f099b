"""TerraFusion: the system of record and analysis of a county assessor's office."""

__version__ = "0.4.0.dev0"  # the one place of the version; between releases it is the next one's, with .dev0
