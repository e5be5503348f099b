from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.db import router
from django.db.models.signals import post_migrate

from .roles import plugin_permissions


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        post_migrate.connect(create_plugin_permissions, sender=self, dispatch_uid="accounts.plugin_permissions")


def create_plugin_permissions(using: str, apps: Apps = installed_apps, **_: Any) -> None:
    """Creates the plugins' permissions on counties after every migrate, so that no migration need name a plugin."""
    try:
        content_types = apps.get_model("contenttypes", "ContentType")
        permissions = apps.get_model("auth", "Permission")
        apps.get_model("county_configs", "County")
    except LookupError:
        return  # the database was migrated to a state without these tables
    if not router.allow_migrate_model(using, permissions):
        return
    county, _created = content_types.objects.using(using).get_or_create(app_label="county_configs", model="county")
    present = set(permissions.objects.using(using).filter(content_type=county).values_list("codename", flat=True))
    permissions.objects.using(using).bulk_create(
        permissions(content_type=county, codename=codename, name=title)
        for codename, title in plugin_permissions()
        if codename not in present
    )
