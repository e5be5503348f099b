from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    name = "terrafusion.jobs"

    def ready(self) -> None:
        """Importing each plugin's `kind` registers it; a kind whose plugin has no admin page of its own gets one."""
        from django_q.signals import post_spawn

        from .admin import register_kinds
        from .workers import lifeline

        autodiscover_modules("kind")
        register_kinds()
        post_spawn.connect(lifeline.watch, dispatch_uid="terrafusion.jobs.workers.lifeline")
