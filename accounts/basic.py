"""User name and password with every request, for programs without tokens: QGIS, ArcGIS Pro, a browser's prompt."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.core.cache import cache
from rest_framework.authentication import BasicAuthentication
from rest_framework.exceptions import AuthenticationFailed

from .models import User

REMEMBERED_SECONDS = 300


class QuickBasicAuthentication(BasicAuthentication):
    """Checks a password in full once in five minutes in each process, because a map requests thirty tiles at a time.

    The user's row is read every time, so that a deactivated user or a changed password is refused at once. The cache
    holds a keyed digest, from which the password cannot be found.
    """

    www_authenticate_realm = "TerraFusion"

    def authenticate_credentials(self, userid: str, password: str, request: Any = None) -> tuple[User, None]:
        user = User.objects.filter(username=userid, is_active=True).first()
        key = None if user is None else _key(user, password)
        if user is not None and key is not None and cache.get(key):
            return user, None
        checked = authenticate(request, username=userid, password=password)
        if not isinstance(checked, User):
            raise AuthenticationFailed("Unknown user or wrong password.")
        cache.set(_key(checked, password), True, REMEMBERED_SECONDS)
        return checked, None


def _key(user: User, password: str) -> str:
    """The cache key of a checked password. It changes when the stored password changes."""
    credentials = "\0".join((str(user.pk), user.password, password))
    return f"basic-{hmac.new(settings.SECRET_KEY.encode(), credentials.encode(), sha256).hexdigest()}"
