"""Whose names may be shown to whom: the only place for the rule.

Names of people are personal data. Without `view_owner_names` in the county a user reads none of them. The name and
address of a confidential owner are shown to nobody, and neither are the parties of a deed where an owner of a property
it conveyed is confidential.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Case, F, Q, TextField, Value, When

from accounts.permissions import Anyone, counties_for

CONFIDENTIAL = "CONFIDENTIAL"
VIEW_OWNER_NAMES = "view_owner_names"

Reader = Anyone | None  # None is the system itself, which reads every name


def shown_text(field: str, reader: Reader, county: str, confidential: Any) -> Case:
    """The field as the reader may see it: null without the permission, CONFIDENTIAL where it is withheld from everyone.

    county: the path from the row to its county. confidential: the condition under which the field is withheld.
    """
    cases = [When(confidential, then=Value(CONFIDENTIAL))]
    if reader is not None:
        cases.insert(0, When(~Q(**{f"{county}__in": counties_for(reader, VIEW_OWNER_NAMES)}), then=Value(None)))
    return Case(*cases, default=F(field), output_field=TextField())
