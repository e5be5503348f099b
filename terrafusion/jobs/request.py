"""What every request for a job says. A kind adds its own fields and its `parameters`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from accounts.permissions import counties_of, may
from county_configs.county_argument import unknown_county
from county_configs.models import County
from terrafusion.web.api import StrictSerializer

from .drill import Drill


class JobRequestSerializer(StrictSerializer):
    """The part common to all kinds. `county_id` validates to the County. Context: `request`, `plugin`.

    drill: the failure that a request can ask for; None where the kind has none.
    """

    drill: ClassVar[Drill | None] = None

    county_id = serializers.CharField(max_length=64)

    def validate_county_id(self, value: str) -> County:
        user, plugin = self.context["request"].user, self.context["plugin"]
        mine = counties_of(user)
        county = mine.filter(pk=value).first()
        if county is None:
            raise serializers.ValidationError(unknown_county(value, mine, "Allowed"))
        if not may(user, f"execute_{plugin}", county):
            raise PermissionDenied(f"Your role in {county.pk} lacks the permission execute_{plugin}.")
        return county

    @classmethod
    def is_drill(cls, value: object) -> bool:
        """Whether this value of the drill's field asks for the drill, and drills are allowed here."""
        return cls.drill is not None and cls.drill.is_requested_by(value)


class TypedJobRequestSerializer(JobRequestSerializer):
    """A request whose `parameters` depend on one of its fields, for example on the type of the report.

    type_field, type_noun: that field, and what a sentence calls it. parameters_by_type: by its value, what the
    parameters may say; their context holds the `county`. drill_parameters: those of a drill, which has no type.
    """

    type_field: ClassVar[str]
    type_noun: ClassVar[str]
    parameters_by_type: ClassVar[Mapping[str, type[serializers.Serializer]]]
    drill_parameters: ClassVar[Mapping[str, Any]] = {}

    parameters = serializers.DictField(required=False)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        fields[self.type_field].validators.append(self._check_type)
        if "parameters" in fields:
            fields["parameters"] = fields.pop("parameters")  # after the type they depend on
        return fields

    def _check_type(self, value: str) -> None:
        if value not in self.parameters_by_type and not self.is_drill(value):
            allowed = ", ".join(self.parameters_by_type)
            raise serializers.ValidationError(f"Unknown {self.type_noun} {value!r}. Allowed: {allowed}.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        value, given = attrs[self.type_field], attrs.get("parameters", {})
        if self.is_drill(value):
            return attrs | {"parameters": given | self.drill_parameters}
        parameters = self.parameters_by_type[value](data=given, context={**self.context, "county": attrs["county_id"]})
        if not parameters.is_valid():
            raise serializers.ValidationError({"parameters": parameters.errors})
        return attrs | {"parameters": dict(parameters.validated_data)}
