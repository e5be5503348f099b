from django.apps import AppConfig


class IngestionConfig(AppConfig):
    name = "ingestion"

    def ready(self) -> None:
        """Importing the pipeline registers its nightly schedule."""
        from .pipelines import analytics_snapshot  # noqa: F401
