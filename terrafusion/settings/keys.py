"""Keys of a developer's machine: made once at random, kept beside the database, never committed."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


def local_key(path: Path) -> str:
    """The key in `path`; made on first use, readable by its owner alone."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written aside and linked, so that of several first starts all have the one key, and none an empty file.
        descriptor, aside = tempfile.mkstemp(dir=path.parent)  # readable by its owner alone
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(aside, path)
        os.unlink(aside)
    return path.read_text()
