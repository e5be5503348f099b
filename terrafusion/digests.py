"""SHA-256 digests, by which a reader can check that two contents are the same."""

import hashlib
import json
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder


def json_digest(content: Any) -> str:
    """The digest of JSON content, the same for any order of keys."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), cls=DjangoJSONEncoder)
    return hashlib.sha256(canonical.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """The digest of a file's bytes, as `sha256sum` prints it."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
