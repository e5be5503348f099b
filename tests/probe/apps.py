from django.apps import AppConfig


class ProbeConfig(AppConfig):
    name = "tests.probe"
    label = "probe"

    def ready(self):
        from .behaviours import wrap_registered_kinds

        wrap_registered_kinds()
