"""Where files stand: a folder of this machine, or s3://bucket/prefix."""

import re
from dataclasses import dataclass
from pathlib import Path

from terrafusion.errors import ConfigurationError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # two letters at least before the colon
_BUCKET = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[A-Za-z0-9._/-]*))?\Z")


@dataclass(frozen=True)
class BucketAddress:
    """A bucket, and the prefix of our objects in it: '' or 'a/b', without slashes at its ends."""

    bucket: str
    prefix: str = ""

    @property
    def place(self) -> str:
        return f"{self.bucket}/{self.prefix}" if self.prefix else self.bucket

    def __str__(self) -> str:
        return f"s3://{self.place}"


def folder_or_bucket(variable: str, written: str) -> Path | BucketAddress:
    """Raises ConfigurationError for any other address: it would become a folder called 's3:'."""
    if not _URL.match(written):
        return Path(written)
    found = _BUCKET.match(written)
    if found is None:
        # What was written is not repeated: somebody may have put a key into it.
        raise ConfigurationError(
            f"{variable} must be a folder or s3://bucket/prefix, without keys, port or query; "
            "keys, region and the server's address come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION "
            "and AWS_ENDPOINT_URL."
        )
    prefix = "/".join(part for part in (found["prefix"] or "").split("/") if part)
    return BucketAddress(found["bucket"], prefix)
