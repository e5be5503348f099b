"""Where files are stored: in a folder of this machine, or in a bucket, s3://bucket/prefix."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terrafusion.errors import ConfigurationError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # at least two characters before the colon; C: is a folder of Windows
_BUCKET = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[A-Za-z0-9._/-]*))?\Z")


@dataclass(frozen=True)
class BucketAddress:
    """A bucket, and the prefix of TerraFusion's objects in it: '' or 'a/b', without slashes at its ends."""

    bucket: str
    prefix: str = ""

    @property
    def place(self) -> str:
        return f"{self.bucket}/{self.prefix}" if self.prefix else self.bucket

    def __str__(self) -> str:
        return f"s3://{self.place}"


def folder_or_bucket(variable: str, text: str) -> Path | BucketAddress:
    """The place that the text of a variable names.

    Raises ConfigurationError for an address that is no bucket's: as a path it would be a folder called 's3:'.
    """
    if not _URL.match(text):
        return Path(text)
    address = _BUCKET.match(text)
    if address is None:
        # The message does not repeat the text, which may hold a key.
        raise ConfigurationError(
            f"{variable} must be a folder or s3://bucket/prefix, without keys, port or query; "
            "keys, region and the server's address come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION "
            "and AWS_ENDPOINT_URL."
        )
    prefix = "/".join(part for part in (address["prefix"] or "").split("/") if part)
    return BucketAddress(address["bucket"], prefix)


def files_in(place: Path | BucketAddress, kind: str, endpoint: str, region: str, ca_bundle: str) -> dict[str, Any]:
    """An entry of STORAGES for the files of one kind ('results', 'uploads') in a folder or a bucket."""
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
            "default_acl": None,  # objects are private by default, and buckets without ACLs refuse any
            "querystring_auth": True,  # a link is signed, and valid for five minutes
            "querystring_expire": 300,
            # Uploads of the same name must not replace each other. The name of a result holds its job and attempt, and
            # a second save after a lost answer must replace the first.
            "file_overwrite": kind == "results",
        },
    }
