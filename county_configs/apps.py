from django.apps import AppConfig


class CountyConfigsConfig(AppConfig):
    name = "county_configs"
    verbose_name = "Counties"
