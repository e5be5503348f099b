"""Counties and the people who work for them."""

from typing import Any

import factory
from django.conf import settings
from factory.django import DjangoModelFactory, Password
from guardian.shortcuts import assign_perm

from accounts.models import User
from accounts.roles import ROLES
from county_configs.county_file import read_county_file
from county_configs.models import County
from tests.openapi import DocumentedClient

PASSWORD = "a-long-pass-phrase"


class CountyFactory(DjangoModelFactory):
    """The county as its folder describes it, with fields changed; the county itself where it is there already.

    folder: the folder that describes it, where that is another county's.
    """

    class Meta:
        model = County

    county_id = "demo"

    @classmethod
    def _build(cls, model_class: type[County], *, county_id: str, folder: str | None = None, **fields: Any) -> County:
        path = settings.COUNTY_CONFIGS_DIR / (folder or county_id) / "county.yaml"
        county = model_class.from_county_file(read_county_file(path))
        for name, value in {"county_id": county_id, **fields}.items():
            setattr(county, name, value)
        return county

    @classmethod
    def _create(cls, model_class: type[County], **fields: Any) -> County:
        county = cls._build(model_class, **fields)
        county.save()
        return county


class UserFactory(DjangoModelFactory):
    """Somebody with a password, and with permissions where they are named.

    `UserFactory(on_county=county, on_county__role="appraiser")`, or `on_county__codenames=("view_county",)`.
    """

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"user-{number}")
    password = Password(PASSWORD)

    @factory.post_generation
    def on_county(
        self: User, create: bool, county: County | None, role: str | None = None, codenames: tuple[str, ...] = ()
    ) -> None:
        for codename in (*codenames, *(ROLES[role] if role else ())):
            assign_perm(f"county_configs.{codename}", self, county)


def a_county(county_id, **fields):
    return CountyFactory(county_id=county_id, **fields)


def a_user(name, county, *codenames, role=None, **fields):
    """A user who holds the permissions, or those of the role, on the county."""
    return UserFactory(username=name, on_county=county, on_county__role=role, on_county__codenames=codenames, **fields)


def client_of(user):
    """Signed in as the user; every answer is held against the OpenAPI document."""
    client = DocumentedClient()
    client.force_authenticate(user)
    return client
