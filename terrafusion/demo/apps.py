from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "terrafusion.demo"
    label = "demo"
    verbose_name = "demo county"
