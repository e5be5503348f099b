from django.apps import AppConfig


class IngestionConfig(AppConfig):
    name = "ingestion"

    def ready(self) -> None:
        """A load is closed however its job ends."""
        from terrafusion.jobs.finish import job_ended_without_result

        from .models import close_loads_of

        job_ended_without_result.connect(close_loads_of, dispatch_uid="ingestion")
