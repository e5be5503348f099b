"""Which layers a county has, and one of them by its name."""

from __future__ import annotations

from collections.abc import Callable

from county_configs.models import County
from terrafusion.roll.models import TimeIndex

from . import made_layers, roll_layers
from .layer import ExportLayer, LayerError, LayerRequest
from .loaded_layers import loaded_layer, loaded_layers

Maker = Callable[[LayerRequest], ExportLayer]

ROLL_LAYERS: dict[str, Maker] = {
    "parcels": roll_layers.parcels,
    "parcels_basic": roll_layers.parcels_basic,
    "assessment_summary": roll_layers.assessment_summary,
    "sales": roll_layers.sales,
}
MADE_LAYERS: dict[str, Maker] = {"comparables": made_layers.comparables, "appreciation": made_layers.appreciation}


def layer_names(county: County) -> list[str]:
    """Every layer the county can export. A loaded layer with the name of one of ours cannot be reached."""
    loaded = [name for name in loaded_layers(county) if name not in ROLL_LAYERS | MADE_LAYERS]
    made = ["comparables"]
    if TimeIndex.objects.filter(county=county).exists():
        made.append("appreciation")
    return [*ROLL_LAYERS, *made, *loaded]


def make_layer(name: str, request: LayerRequest) -> ExportLayer:
    """The layer of this name. Raises LayerError for one that is not loaded or cannot be made."""
    if maker := (ROLL_LAYERS | MADE_LAYERS).get(name):
        return maker(request)
    if name not in loaded_layers(request.county):
        raise LayerError(f"Layer {name!r} is no longer loaded in {request.county.pk}.")
    return loaded_layer(request, name)
