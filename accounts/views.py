"""The routes of login, refresh, logout and the user's own data."""

from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from terrafusion.web.query_parameters import takes_no_query

from . import tokens
from .models import User


@extend_schema(
    operation_id="login",
    request=tokens.LoginSerializer,
    responses={200: tokens.LoginAnswerSerializer, 401: None},
    auth=[],
)
@api_view(["POST"])
@authentication_classes([tokens.WithoutToken])
@permission_classes([AllowAny])
@takes_no_query
def login(request: Request) -> Response:
    """Exchanges user name and password for an access and a refresh token."""
    credentials = tokens.LoginSerializer(data=request.data)
    credentials.is_valid(raise_exception=True)
    return Response(tokens.log_in(request, **credentials.validated_data))


@extend_schema(
    operation_id="refresh",
    request=tokens.RefreshSerializer,
    responses={200: tokens.TokensSerializer, 401: None},
    auth=[],
)
@api_view(["POST"])
@authentication_classes([tokens.WithoutToken])
@permission_classes([AllowAny])
@takes_no_query
def refresh(request: Request) -> Response:
    """Exchanges a refresh token, which becomes void, for new tokens."""
    body = tokens.RefreshSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    return Response(tokens.refresh_tokens(body.validated_data["refresh"]))


@extend_schema(operation_id="logout", request=tokens.RefreshSerializer, responses={204: None}, auth=[])
@api_view(["POST"])
@authentication_classes([tokens.WithoutToken])
@permission_classes([AllowAny])
@takes_no_query
def logout(request: Request) -> Response:
    """Voids a refresh token."""
    body = tokens.RefreshSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    tokens.log_out(body.validated_data["refresh"])
    return Response(status=204)


@extend_schema(operation_id="me", responses=tokens.UserSerializer)
@api_view(["GET"])
@takes_no_query
def me(request: Request) -> Response:
    """The user of the token, and their permissions in each county."""
    return Response(tokens.user_json(cast(User, request.user)))  # only signed-in users come this far
