from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    name = "terrafusion.jobs"

    def ready(self) -> None:
        """Importing each plugin's `tasks` registers its kind."""
        autodiscover_modules("tasks")
