"""Applies a county's users file, which says who has which role. Roles that it no longer names are withdrawn."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from guardian.models import GroupObjectPermission
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from county_configs.county_file import faults_in
from county_configs.models import County
from terrafusion.errors import ConfigurationError

from .models import User
from .roles import ROLES, STAFF_ROLES, group_name

Role = Literal["viewer", "analyst", "appraiser", "supervisor", "administrator"]


class UserEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    username: str = Field(pattern=r"^[\w.@+-]{1,150}$")
    roles: list[Role]


class UsersFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    county_id: str
    users: list[UserEntry]

    @field_validator("users")
    @classmethod
    def _once_each(cls, users: list[UserEntry]) -> list[UserEntry]:
        names = [entry.username for entry in users]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"listed twice: {', '.join(twice)}")
        return users


@dataclass
class RbacChanges:
    """The changes that were made, for the summary of the command."""

    created: list[str] = field(default_factory=list)
    granted: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)


def read_users_file(path: Path, county: County) -> UsersFile:
    """The validated file. Raises ConfigurationError naming file and entry."""
    try:
        file = UsersFile.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigurationError(f"{path.name}: there is no such file in {path.parent.name}.") from None
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{path.name}, line {error.lineno}: {error.msg}.") from error
    except ValidationError as error:
        raise ConfigurationError(f"{path.name}: {faults_in(error)}") from error
    if file.county_id != county.pk:
        raise ConfigurationError(f"{path.name}: county_id is {file.county_id!r}, not {county.pk!r}.")
    return file


@transaction.atomic
def apply_users_file(file: UsersFile, county: County) -> RbacChanges:
    """Gives the county exactly the groups and grants of the roles, and the members in the file. Can be repeated."""
    changes = RbacChanges()
    users = {entry.username: _user(entry.username, changes) for entry in file.users}
    for role, codenames in ROLES.items():
        group, _ = Group.objects.get_or_create(name=group_name(county.pk, role))
        _grant_exactly(group, county, codenames)
        wanted = {users[entry.username] for entry in file.users if role in entry.roles}
        present = set(group.user_set.all())
        changes.granted += [f"{user.username}: {role}" for user in sorted(wanted - present, key=str)]
        changes.withdrawn += [f"{user.username}: {role}" for user in sorted(present - wanted, key=str)]
        group.user_set.set(wanted)
        if role in STAFF_ROLES:
            # It is never withdrawn here: another county may have given it, and without grants the admin is empty.
            User.objects.filter(pk__in=[user.pk for user in wanted]).update(is_staff=True)
    return changes


def _user(username: str, changes: RbacChanges) -> User:
    user, created = User.objects.get_or_create(username=username)
    if created:
        user.set_unusable_password()
        user.save()
        changes.created.append(username)
    return user


def _grant_exactly(group: Group, county: County, codenames: frozenset[str]) -> None:
    permissions = Permission.objects.filter(
        content_type__app_label="county_configs", content_type__model="county", codename__in=codenames
    )
    grants = GroupObjectPermission.objects.filter(group=group, object_pk=county.pk)
    grants.exclude(permission__in=permissions).delete()
    held = set(grants.values_list("permission_id", flat=True))
    GroupObjectPermission.objects.bulk_create(
        GroupObjectPermission(
            group=group, permission=permission, content_type_id=permission.content_type_id, object_pk=county.pk
        )
        for permission in permissions
        if permission.pk not in held
    )
