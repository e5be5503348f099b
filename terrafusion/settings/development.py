"""A checkout on one machine, with SQLite and keys made on first use."""

from .base import *  # noqa: F403 - settings modules extend each other
from .base import SIMPLE_JWT, VAR_DIR, env
from .keys import local_key

VAR_DIR.mkdir(parents=True, exist_ok=True)
# Off by default: in debug mode Django stores every SQL statement in memory, and error pages show the source code.
DEBUG = env.bool("TERRAFUSION_DEBUG", default=False)
METRICS_OPEN = True  # on a developer's machine /metrics needs no token
SECRET_KEY = env.str("TERRAFUSION_SECRET_KEY", default="") or local_key(VAR_DIR / "keys" / "secret")
SIMPLE_JWT = SIMPLE_JWT | {
    "SIGNING_KEY": env.str("TERRAFUSION_JWT_KEY", default="") or local_key(VAR_DIR / "keys" / "jwt")
}
WHITENOISE_USE_FINDERS = True  # static files are served from the packages, without collectstatic
STATIC_ROOT = None
