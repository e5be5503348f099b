"""A county's server: PostgreSQL + PostGIS, keys from the environment, HTTPS."""

from .base import *  # noqa: F403 - settings modules extend each other
from .base import SIMPLE_JWT, env

DEBUG = False
SECRET_KEY = env.str("TERRAFUSION_SECRET_KEY")  # without it, nothing starts
SIMPLE_JWT = SIMPLE_JWT | {"SIGNING_KEY": env.str("TERRAFUSION_JWT_KEY")}

SECURE_SSL_REDIRECT = env.bool("TERRAFUSION_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
CSRF_TRUSTED_ORIGINS: list[str] = env.list("TERRAFUSION_TRUSTED_ORIGINS", default=[])
