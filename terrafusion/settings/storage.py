"""Where files stand: a folder of this machine, or s3://bucket/prefix."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def files_in(place: Path | BucketAddress, kind: str, endpoint: str, region: str, ca_bundle: str) -> dict[str, Any]:
    """An entry of STORAGES: the files of a kind ('results', 'uploads') in a folder or a bucket."""
    if isinstance(place, Path):
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(place / kind)},
        }
    return {
        "BACKEND": "terrafusion.bucket_storage.BucketStorage",
        "OPTIONS": {
            "bucket_name": place.bucket,
            "location": f"{place.prefix}/{kind}".lstrip("/"),
            "endpoint_url": endpoint or None,
            "region_name": region,
            "verify": ca_bundle or None,
            "default_acl": None,  # private is what S3 does unasked; buckets without ACLs refuse the word
            "querystring_auth": True,  # a link is signed, and good for minutes
            "querystring_expire": 300,
            # Uploads of one name must not replace each other. A result's name holds its job and attempt: storing it
            # again after a lost answer must meet the same name.
            "file_overwrite": kind == "results",
        },
    }
