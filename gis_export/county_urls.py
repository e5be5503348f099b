"""Routes under /api/v1/counties/{county_id}: the live layers and the district look-up."""

from django.urls import path

from .map.lookup_view import LookupView
from .ogc.views import CollectionsView, CollectionView, ConformanceView, ItemsView, ItemView, LandingView

OGC = "counties/<str:county_id>/ogc"
COLLECTION = f"{OGC}/collections/<str:collection_id>"

urlpatterns = [
    path("counties/<str:county_id>/lookup", LookupView.as_view(), name="district-lookup"),
    path(OGC, LandingView.as_view(), name="ogc-landing"),
    path(f"{OGC}/conformance", ConformanceView.as_view(), name="ogc-conformance"),
    path(f"{OGC}/collections", CollectionsView.as_view(), name="ogc-collections"),
    path(COLLECTION, CollectionView.as_view(), name="ogc-collection"),
    path(f"{COLLECTION}/items", ItemsView.as_view(), name="ogc-items"),
    path(f"{COLLECTION}/items/<int:feature_id>", ItemView.as_view(), name="ogc-item"),
]
