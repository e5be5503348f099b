"""Settings common to every way of running TerraFusion."""

from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import environ

from terrafusion import __version__

from .journal import journal_of
from .legacy import read_legacy
from .storage import files_in, folder_or_bucket

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = Path(env.str("TERRAFUSION_VAR", default=str(BASE_DIR / "var"))).resolve()

DEBUG = False
ALLOWED_HOSTS: list[str] = env.list("TERRAFUSION_ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])

INSTALLED_APPS = [
    "unfold",  # before the admin, whose templates it replaces
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework_simplejwt",
    "rest_framework_simplejwt.token_blacklist",  # without it a rotated refresh token stays valid, silently
    "guardian",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "county_configs",
    "accounts",
    "terrafusion.roll",
    "terrafusion.jobs",
    "terrafusion.analytics",
    "terrafusion.demo",
    "valuation",
    "reporting",
    "market_analysis",
    "gis_export",
    "ingestion",
    *env.list("TERRAFUSION_PLUGINS", default=[]),  # plugins of an office's own; see docs/adding_a_plugin.md
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "terrafusion.urls"
WSGI_APPLICATION = "terrafusion.wsgi.application"
APPEND_SLASH = False  # the contract's paths have none

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Database ---
# The supervisor sets this for the workers it starts; it is never set by hand.
WORKER_BOOT_ID = env.str("TERRAFUSION_WORKER_BOOT", default="")
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'terrafusion.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        # A transaction takes the write lock at its start, so that "database is locked" cannot happen half way.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA cache_size=-65536;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# A worker's jobs write their progress on a connection of their own: see terrafusion/jobs/journal.py.
JOURNAL_DATABASE = "journal" if WORKER_BOOT_ID else "default"
if WORKER_BOOT_ID:
    DATABASES["journal"] = journal_of(DATABASES["default"])
# The faults, by alias, are sentences that are shown when a load wants the database.
_LEGACY, LEGACY_FAULTS = read_legacy(env.ENVIRON)
DATABASES |= _LEGACY
DATABASE_ROUTERS = ["terrafusion.settings.legacy.LegacyRouter"]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = ["fields.W163"]  # SQLite keeps no comments on columns; PostgreSQL has them

# --- Who may do what ---
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None  # guardian: anonymous visitors hold no permission
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"

SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "CHECK_REVOKE_TOKEN": True,  # a changed password ends every token
    "AUDIENCE": "terrafusion",
    "ISSUER": "terrafusion",
}

# --- API ---
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework_simplejwt.authentication.JWTAuthentication",
        "rest_framework.authentication.SessionAuthentication",  # the browsable API
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["terrafusion.web.parsers.BoundedJSONParser"],  # anything else is a 415
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "terrafusion.web.openapi.ApiSchema",
    "EXCEPTION_HANDLER": "terrafusion.web.problems.problem_response",
    "COERCE_DECIMAL_TO_STRING": False,  # JSON numbers
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "TerraFusion",
    "DESCRIPTION": "The assessor's roll, valuations and their proofs.",
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",  # the page loads nothing from the internet
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "OAS_VERSION": "3.1.1",  # its schemas are JSON Schema, so that any validator can check an answer
    "ENUM_NAME_OVERRIDES": {
        "JobStatus": "terrafusion.jobs.models.Job.Status",
        "FailureReason": "terrafusion.jobs.models.FailureReason",
        "PropertyType": "terrafusion.roll.models.PropertyType",
        "ReportFormat": "reporting.formats.CONTENT_TYPES",
        "AreaColumn": "terrafusion.analytics.tables.AREA_COLUMNS",
        "IndexMethod": "market_analysis.indices.price_index.METHODS",
    },
    "ENUM_SUFFIX": "",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "PREPROCESSING_HOOKS": ["terrafusion.web.problems.only_public_paths"],
}

# --- Jobs ---
WORKERS = env.int("TERRAFUSION_WORKERS", default=2)
WORKER_LIFELINE_FD = env.int("TERRAFUSION_WORKER_LIFELINE", default=-1)
# The descriptor of a lock on VAR_DIR. `demo` sets it for the `serve` that it starts; it is never set by hand.
FOLDER_LOCK_FD = env.int("TERRAFUSION_FOLDER_LOCK", default=-1)

Q_CLUSTER = {
    "name": "terrafusion",
    "orm": "default",
    "broker_class": "terrafusion.jobs.workers.broker.WakeUpBroker",
    "workers": WORKERS,
    "queue_limit": WORKERS,
    "bulk": 1,
    "timeout": -1,  # the supervisor enforces each job's limits
    "retry": 86400,  # wake-up tokens do not use it
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,  # results live in our tables
    "recycle": 10**9,  # never: the supervisor would take a recycled worker for a lost one
    "poll": 0.2,
    "guard_cycle": 0.5,
    "scheduler": False,
    "catch_up": False,
    "label": "Worker internals",
}

SIMULATED_FAILURES = env.bool("TERRAFUSION_SIMULATED_FAILURES", default=False)
RESULTS_KEPT_DAYS = env.int("TERRAFUSION_RESULTS_KEPT_DAYS", default=30)
METRICS_TOKEN = env.str("TERRAFUSION_METRICS_TOKEN", default="")
METRICS_OPEN = False

# --- S3 and servers like it ---
# The S3 clients read the keys themselves, from AWS_ACCESS_KEY_ID and the other usual places.
S3_ENDPOINT = env.str("AWS_ENDPOINT_URL_S3", default=env.str("AWS_ENDPOINT_URL", default=""))  # empty for Amazon's
S3_REGION = env.str("AWS_REGION", default=env.str("AWS_DEFAULT_REGION", default="us-east-1"))
S3_CA_BUNDLE = env.str("AWS_CA_BUNDLE", default="")

# --- Files ---
# A folder, which several hosts may share, or s3://bucket/prefix.
FILES = folder_or_bucket("TERRAFUSION_FILES", env.str("TERRAFUSION_FILES", default=str(VAR_DIR)))
STATIC_URL = "/static/"
STATIC_ROOT: Path | None = VAR_DIR / "static"
# MapLibre's JavaScript and CSS are served from the installed package, which is located without importing it.
_maplibre = find_spec("maplibre")
STATICFILES_DIRS = [("maplibre", str(Path(str(_maplibre.origin)).parent / "srcjs"))] if _maplibre else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "results": files_in(FILES, "results", S3_ENDPOINT, S3_REGION, S3_CA_BUNDLE),
    "uploads": files_in(FILES, "uploads", S3_ENDPOINT, S3_REGION, S3_CA_BUNDLE),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WORKSPACE_DIR = VAR_DIR / "workspace"  # where a job writes before its files are accepted
STAGING_DIR = VAR_DIR / "staging"  # where a load stores its batches until they are merged into the roll

# --- Analytics: snapshots of the roll for market analysis ---
# A folder, which several hosts may share, or s3://bucket/prefix. With a bucket, each host caches what it reads.
ANALYTICS_STORE = folder_or_bucket(
    "TERRAFUSION_ANALYTICS", env.str("TERRAFUSION_ANALYTICS", default=str(VAR_DIR / "analytics"))
)
ANALYTICS_CACHE_DIR = Path(env.str("TERRAFUSION_ANALYTICS_CACHE", default=str(VAR_DIR / "analytics_cache")))
ANALYTICS_URL = env.str("ANALYTICS_URL", default="")  # clickhouse://user:password@host:8123/database; else DuckDB
ANALYTICS_MEMORY_MB = env.int("TERRAFUSION_ANALYTICS_MEMORY_MB", default=1024)  # of one query on DuckDB
ANALYTICS_THREADS = env.int("TERRAFUSION_ANALYTICS_THREADS", default=2)
ANALYTICS_SPILL_DIR = VAR_DIR / "spill"  # where a query too large for its memory continues
ANALYTICS_GRACE_SECONDS = 7200  # before an old snapshot is deleted; a job reads one for at most an hour
COUNTY_CONFIGS_DIR = Path(env.str("TERRAFUSION_COUNTY_CONFIGS", default=str(BASE_DIR / "county_configs")))

# --- The rest ---
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024  # an area of interest of 100,000 vertices is 4 MB of JSON

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django-q": {"level": "WARNING"}},
}

UNFOLD = {
    "SITE_TITLE": "TerraFusion",
    "SITE_HEADER": "TerraFusion",
    "SITE_SYMBOL": "map",
    "SHOW_VIEW_ON_SITE": False,
}
