"""A checkout on one machine: SQLite, keys made on first use."""

from .base import *  # noqa: F403 - settings modules extend each other
from .base import SIMPLE_JWT, VAR_DIR, env
from .keys import local_key

VAR_DIR.mkdir(parents=True, exist_ok=True)
# Off unless asked for: with it Django keeps every SQL statement in memory and shows its insides on error pages.
DEBUG = env.bool("TERRAFUSION_DEBUG", default=False)
METRICS_OPEN = True  # on one's own machine /metrics needs no token
SECRET_KEY = env.str("TERRAFUSION_SECRET_KEY", default="") or local_key(VAR_DIR / "keys" / "secret")
SIMPLE_JWT = SIMPLE_JWT | {
    "SIGNING_KEY": env.str("TERRAFUSION_JWT_KEY", default="") or local_key(VAR_DIR / "keys" / "jwt")
}
WHITENOISE_USE_FINDERS = True  # static files straight from the packages, no collectstatic
STATIC_ROOT = None
