"""Keys of a developer's machine: made once at random, stored beside the database, never committed."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


def local_key(path: Path) -> str:
    """The key in `path`, which is made on first use and readable only by its owner."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # The key is written to another file, which is then linked. So several processes that start at the same time get
        # the same key, and none reads an empty file.
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # readable only by its owner
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(temporary, path)
        os.unlink(temporary)
    return path.read_text()
