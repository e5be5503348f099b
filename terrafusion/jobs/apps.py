from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    name = "terrafusion.jobs"

    def ready(self) -> None:
        """Importing each plugin's `tasks` registers its kind."""
        from django_q.signals import post_spawn

        from . import lifeline

        autodiscover_modules("tasks")
        post_spawn.connect(lifeline.watch, dispatch_uid="terrafusion.jobs.lifeline")
