"""Settings of the peer: django-q2 by itself, on the same database, with as many workers; every result is kept."""

from terrafusion.settings.test import *  # noqa: F403 - settings modules extend each other

Q_CLUSTER = {
    "name": "terrafusion",  # messages are signed with it
    "orm": "default",
    "workers": 4,
    "queue_limit": 4,
    "bulk": 1,
    "timeout": 60,
    "retry": 120,
    "save_limit": 0,  # keeps all, as our job table does
    "poll": 0.2,
    "guard_cycle": 0.5,
    "scheduler": False,
}
