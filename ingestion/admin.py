"""Loads in the admin: files handed in, control totals signed and rolls certified, rejected rows corrected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from accounts.permissions import may, permitted
from terrafusion.admin import CountyScopedAdmin
from terrafusion.digests import json_digest
from terrafusion.errors import TerraFusionError
from terrafusion.jobs.api.submit import submit
from terrafusion.jobs.registry import kind_named

from .certification import certify, sign_off, tax_years
from .models import IngestionRun, RejectedRow, SourceFile
from .totals_page import totals_table
from .transforms.mapper import Dataset
from .transforms.roll_fields import PERSONAL

Step = Callable[[IngestionRun], object]

LARGEST_UPLOAD = 2 * 1024**3  # bytes


class SourceFileForm(forms.ModelForm):
    """The name and the size come from the file itself."""

    class Meta:
        model = SourceFile
        fields = ("county", "file")

    def clean_file(self) -> Any:
        from .connectors.files import check_kind  # brings all readers, which no other page needs

        file = self.cleaned_data["file"]
        if file.size > LARGEST_UPLOAD:
            raise forms.ValidationError(f"Larger than {LARGEST_UPLOAD:,} bytes.")
        try:
            check_kind(file.name)
        except TerraFusionError as error:
            raise forms.ValidationError(str(error)) from error
        return file


@admin.register(SourceFile)
class SourceFileAdmin(CountyScopedAdmin):
    """Handing in a file, and asking for its load."""

    view_with = change_with = "execute_ingestion"
    form = SourceFileForm
    list_display = ("name", "county", "size_bytes", "uploaded_by", "uploaded_at")
    list_select_related = ("uploaded_by", "county")
    search_fields = ("name",)
    actions = ("load_selected", "check_selected")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False if obj is not None else super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: SourceFile, form: Any, change: bool) -> None:
        obj.describe(request.user, timezone.now())  # type: ignore[arg-type]  # staff have signed in
        super().save_model(request, obj, form, change)

    @admin.action(description="Load into the roll")
    def load_selected(self, request: HttpRequest, queryset: QuerySet[SourceFile]) -> None:
        self._submit(request, queryset, dry_run=False)

    @admin.action(description="Check without loading (dry run)")
    def check_selected(self, request: HttpRequest, queryset: QuerySet[SourceFile]) -> None:
        self._submit(request, queryset, dry_run=True)

    def _submit(self, request: HttpRequest, queryset: QuerySet[SourceFile], *, dry_run: bool) -> None:
        for file in queryset:
            ask_for_load(self, request, file.county, f"upload:{file.pk}", {"dry_run": dry_run})


def ask_for_load(
    page: CountyScopedAdmin, request: HttpRequest, county: Any, source: str, parameters: dict[str, Any]
) -> None:
    """Queues the job as the API would, with the same checks."""
    kind = kind_named("ingestion")
    body = {"county_id": county.pk, "source": source, "parameters": parameters}
    checked = kind.request(data=body, context={"request": request, "plugin": kind.name})
    if not checked.is_valid():
        page.message_user(request, f"{source}: {_sentence(checked.errors)}", messages.ERROR)
        return
    fields = dict(checked.validated_data)
    county, parameters = fields.pop("county_id"), fields.pop("parameters", {})
    job = submit(kind, county, request.user, own_fields=fields, parameters=parameters, digest=json_digest(body))
    page.message_user(request, f"{source}: job {job.pk} queued.", messages.SUCCESS)


def _sentence(errors: Any) -> str:
    if isinstance(errors, dict):
        return " ".join(f"{name}: {_sentence(of_field)}" for name, of_field in errors.items())
    return " ".join(map(str, errors)) if isinstance(errors, list) else str(errors)


@admin.register(IngestionRun)
class IngestionRunAdmin(CountyScopedAdmin):
    """One load: what was read, the control totals of both sides, and the signature under them."""

    view_with = "view_ingestion_results"
    list_display = ("__str__", "source", "state", "started_at", "rows", "rejected", "signed_off_by")
    list_filter = ("status",)
    list_select_related = ("signed_off_by",)
    fields = (
        "county", "source", "source_sha256", "mapping_name", "mapping_sha256", "rules_version", "state", "message",
        "started_at", "finished_at", "digest", "totals", "signed_off_by", "signed_off_at", "job",
    )  # fmt: skip
    readonly_fields = ("state", "totals")
    actions = ("sign_selected", "certify_selected", "load_corrections")

    @display(
        description="status", label={"loaded": "success", "failed": "danger", "checked": "info"}, ordering="status"
    )
    def state(self, row: IngestionRun) -> str:
        return row.status

    @display(description="rows read")
    def rows(self, row: IngestionRun) -> int:
        return sum(own["read"] for own in row.results.values())

    @display(description="rejected")
    def rejected(self, row: IngestionRun) -> int:
        return sum(own["rejected"] for own in row.results.values())

    @display(description="control totals: source against roll")
    def totals(self, row: IngestionRun) -> str:
        return totals_table(row.control_totals)

    @admin.action(description="Sign off the control totals")
    def sign_selected(self, request: HttpRequest, queryset: QuerySet[IngestionRun]) -> None:
        self._for_every_run(
            request, queryset, "execute_ingestion", lambda run: sign_off(run, request.user), "signed off"
        )

    @admin.action(description="Certify the roll of its tax year")
    def certify_selected(self, request: HttpRequest, queryset: QuerySet[IngestionRun]) -> None:
        def close(run: IngestionRun) -> None:
            years = tax_years(run)
            if not years:
                raise TerraFusionError(f"Load {run.pk} brought no assessed values.")
            certify(run, max(years), request.user)

        self._for_every_run(request, queryset, "manage_county", close, "certified")

    @admin.action(description="Load the corrected rows again")
    def load_corrections(self, request: HttpRequest, queryset: QuerySet[IngestionRun]) -> None:
        for run in queryset:
            if may(request.user, "execute_ingestion", run.county):
                ask_for_load(self, request, run.county, f"rejects:{run.pk}", {})
            else:
                self.message_user(request, f"{run}: your role may not load.", messages.ERROR)

    def _for_every_run(
        self, request: HttpRequest, queryset: QuerySet[IngestionRun], permission: str, step: Step, done: str
    ) -> None:
        for run in queryset:
            if not may(request.user, permission, run.county):
                self.message_user(request, f"{run}: your role lacks the permission {permission}.", messages.ERROR)
                continue
            try:
                step(run)
            except TerraFusionError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.message_user(request, f"{run}: {done}.", messages.SUCCESS)


@admin.register(RejectedRow)
class RejectedRowAdmin(CountyScopedAdmin):
    """A row that was not loaded: what it says, why it was refused, what it should say."""

    county_path = "run__county"
    view_with = change_with = "execute_ingestion"
    list_display = ("run", "dataset", "line", "column", "shown_value", "rule", "reason", "waits")
    list_filter = ("dataset", "rule")
    list_select_related = ("run",)
    search_fields = ("=line", "=rule")
    fields = ("run", "dataset", "line", "rule", "reason", "cells", "corrections", "corrected_by", "loaded_by")
    readonly_fields = ("run", "dataset", "line", "rule", "reason", "cells", "corrected_by", "loaded_by")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[RejectedRow]:
        """Each row says whether this request's user may see names: all requests share the page itself."""
        shows_names = permitted(request.user, "view_owner_names", OuterRef("run__county_id"))
        return super().get_queryset(request).annotate(shows_names=shows_names)

    @display(description="value")
    def shown_value(self, row: RejectedRow) -> str:
        return row.value

    @display(description="corrected", boolean=True)
    def waits(self, row: RejectedRow) -> bool:
        return row.loaded_by_id is not None

    @display(description="the row, by column")
    def cells(self, row: RejectedRow) -> str:
        hidden = set() if row.shows_names else _personal_columns(row)  # type: ignore[attr-defined]  # get_queryset's
        shown = [(name, "(withheld)" if name in hidden else text) for name, text in row.raw.items()]
        return format_html("<table>{}</table>", format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", shown))

    def save_model(self, request: HttpRequest, obj: RejectedRow, form: Any, change: bool) -> None:
        """A correction waits to be loaded, also where an earlier one of its row is on the roll. Only what is corrected
        is written: a load may mark the row meanwhile."""
        if form.initial["corrections"] != obj.corrections:
            obj.corrected_by, obj.loaded_by = request.user, None  # type: ignore[assignment]  # staff have signed in
            obj.save(update_fields=["corrections", "corrected_by", "loaded_by"])


def _personal_columns(row: RejectedRow) -> set[str]:
    """The source's columns that hold names of people or their addresses."""
    dataset = Dataset.model_validate(row.run.mapping[row.dataset])
    fields = [(name, mapping) for target in dataset.targets().values() for name, mapping in target.items()]
    return {column for name, mapping in fields if name in PERSONAL for column in mapping.source_columns} | {""}
