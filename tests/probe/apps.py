import os

from django.apps import AppConfig


class ProbeConfig(AppConfig):
    name = "tests.probe"
    label = "probe"

    def ready(self):
        from . import sabotage
        from .behaviours import wrap_registered_kinds

        wrap_registered_kinds()
        if removed := os.environ.get("TERRAFUSION_SABOTAGE"):
            sabotage.apply(removed)
