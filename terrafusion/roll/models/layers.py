"""Layers of the map beside the properties."""

from django.db import models

from county_configs.models import County

from ..geometry import EDGES, Located, SpatialIndex
from ..querysets import LayerFeatureQuerySet
from .loaded import Loaded


class LayerFeature(Loaded, Located):
    """A feature of any other layer: zoning, neighborhoods, ZIP areas, the county boundary."""

    county = models.ForeignKey(County, models.PROTECT, related_name="layer_features")
    layer = models.CharField(max_length=64)
    feature_id = models.CharField(max_length=64)
    name = models.CharField(max_length=200, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = LayerFeatureQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "layer", "feature_id"], name="one_feature_id_a_layer")]
        indexes = [SpatialIndex(fields=EDGES, name="layer_feature_geometry")]

    def __str__(self) -> str:
        return f"{self.layer} {self.feature_id}"
