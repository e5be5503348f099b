"""A file as the recorder might send it: two deeds the roll has already, and one whose date cannot be."""

from __future__ import annotations

import io

from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.models import User
from ingestion.models import SourceFile
from terrafusion.csv_files import CsvWriter
from terrafusion.roll.models import Sale

from .writer import DEMO_COUNTY_ID

HEADER = ("deed", "property", "sold", "price", "code")


def deeds_handed_in(user: User) -> SourceFile:
    """The file, in the county's uploads. Loading it leaves the roll as it is."""
    text = io.StringIO()
    writer = CsvWriter(text)
    writer.writerow(HEADER)
    sales = Sale.objects.in_county(DEMO_COUNTY_ID).current().of_one_parcel().order_by("-sale_date", "sale_id")
    for sale in sales.prefetch_related("properties")[:2]:
        known = sale.properties.get().property_id
        writer.writerow([sale.sale_id, known, sale.sale_date.isoformat(), sale.sale_price, sale.validity_code])
    writer.writerow(["unreadable", known, "2025-02-30", sale.sale_price, ""])
    handed_in = SourceFile(county_id=DEMO_COUNTY_ID, file=ContentFile(text.getvalue().encode(), "deeds.csv"))
    handed_in.describe(user, timezone.now())
    handed_in.save()
    return handed_in
