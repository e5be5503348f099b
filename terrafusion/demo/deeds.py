"""A file as a recorder might send it: two deeds that are on the roll already, and one with an impossible date."""

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


def upload_deeds(user: User) -> SourceFile:
    """Puts the file among the county's uploads. Loading it does not change the roll."""
    text = io.StringIO()
    writer = CsvWriter(text)
    writer.writerow(HEADER)
    sales = Sale.objects.in_county(DEMO_COUNTY_ID).current().of_one_parcel().order_by("-sale_date", "sale_id")
    for sale in sales.prefetch_related("properties")[:2]:
        property_id = sale.properties.get().property_id
        writer.writerow([sale.sale_id, property_id, sale.sale_date.isoformat(), sale.sale_price, sale.validity_code])
    writer.writerow(["unreadable", property_id, "2025-02-30", sale.sale_price, ""])
    source_file = SourceFile(county_id=DEMO_COUNTY_ID, file=ContentFile(text.getvalue().encode(), "deeds.csv"))
    source_file.describe(user, timezone.now())
    source_file.save()
    return source_file
