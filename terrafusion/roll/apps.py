from django.apps import AppConfig


class RollConfig(AppConfig):
    name = "terrafusion.roll"
    verbose_name = "Assessment roll"
