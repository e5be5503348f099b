"""Login, refresh and logout: JWT with rotating refresh tokens, signed with a key that has no other use."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from .models import User
from .permissions import permissions_by_county

EXPIRES_IN = int(api_settings.ACCESS_TOKEN_LIFETIME.total_seconds())


class WithoutToken(BaseAuthentication):
    """For the routes that give tokens and need none. A refusal is a 401 that names the scheme."""

    def authenticate(self, request: Any) -> None:
        return None

    def authenticate_header(self, request: Any) -> str:
        return 'Bearer realm="api"'


class LoginSerializer(serializers.Serializer):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False, style={"input_type": "password"})


class RefreshSerializer(serializers.Serializer):
    refresh = serializers.CharField(max_length=4096)


class CountyPermissionsSerializer(serializers.Serializer):
    county_id = serializers.CharField()
    permissions = serializers.ListField(child=serializers.CharField())


class UserSerializer(serializers.Serializer):
    username = serializers.CharField()
    counties = CountyPermissionsSerializer(many=True)


class TokensSerializer(serializers.Serializer):
    access = serializers.CharField()
    refresh = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds the access token is valid.")


class LoginAnswerSerializer(TokensSerializer):
    user = UserSerializer()


def log_in(request: Any, username: str, password: str) -> dict[str, Any]:
    """Tokens, and the user's permissions. Raises AuthenticationFailed, with one text for all reasons."""
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        raise AuthenticationFailed("Unknown user or wrong password.")
    refresh = RefreshToken.for_user(user)
    return _tokens(str(refresh.access_token), str(refresh)) | {"user": user_json(user)}


def refresh_tokens(refresh: str) -> dict[str, Any]:
    """New tokens for a refresh token, which becomes void. Raises AuthenticationFailed."""
    try:
        _refuse_after_password_change(refresh)
        serializer = TokenRefreshSerializer(data={"refresh": refresh})
        serializer.is_valid(raise_exception=True)
    except TokenError as error:
        raise AuthenticationFailed("The refresh token is invalid, expired or was used before.") from error
    return _tokens(serializer.validated_data["access"], serializer.validated_data["refresh"])


def _refuse_after_password_change(refresh: str) -> None:
    """Raises TokenError for a token older than the password, so that a new password ends a stolen refresh token.

    simplejwt checks this only for access tokens.
    """
    token = RefreshToken(refresh)  # type: ignore[arg-type]
    user = User.objects.filter(pk=token[api_settings.USER_ID_CLAIM]).first()
    if user is None or token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
        raise TokenError("revoked")


def log_out(refresh: str) -> None:
    """Voids the refresh token. The access token ends after its 15 minutes. Doing it again changes nothing."""
    try:
        RefreshToken(refresh).blacklist()  # type: ignore[arg-type]
    except TokenError:
        return  # the token is void already


def user_json(user: User) -> dict[str, Any]:
    return {
        "username": user.username,
        "counties": [
            {"county_id": county_id, "permissions": held} for county_id, held in permissions_by_county(user).items()
        ],
    }


def _tokens(access: str, refresh: str) -> dict[str, Any]:
    return {"access": access, "refresh": refresh, "token_type": "Bearer", "expires_in": EXPIRES_IN}
