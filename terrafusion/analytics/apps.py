from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "terrafusion.analytics"
    verbose_name = "Analytics"

    def ready(self) -> None:
        """Importing the requests registers the nightly schedule; every load that changes a roll is heard."""
        from terrafusion.roll.loads import roll_changed

        from .requests import request_after_load

        roll_changed.connect(request_after_load, dispatch_uid="terrafusion.analytics")
