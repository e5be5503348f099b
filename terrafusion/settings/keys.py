"""Keys of a developer's machine: made once at random, kept beside the database, never committed."""

import os
import secrets
from pathlib import Path


def local_key(path: Path) -> str:
    """The key in `path`; made on first use, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_urlsafe(48)
        file.write(key)
    return key
