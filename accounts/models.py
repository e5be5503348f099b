"""Users of the gateway."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person or an integration. Their permissions are granted on counties (accounts/permissions.py)."""
