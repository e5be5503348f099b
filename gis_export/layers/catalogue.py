"""Which layers a county has, and one of them by its name."""

from __future__ import annotations

from collections.abc import Callable

from county_configs.models import County
from terrafusion.roll.models import TimeIndex

from . import made_layers, roll_layers
from .layer import ExportLayer, LayerError, LayerRequest
from .loaded_layers import loaded_layer, loaded_layers

Maker = Callable[[LayerRequest], ExportLayer]

OF_THE_ROLL: dict[str, Maker] = {
    "parcels": roll_layers.parcels,
    "parcels_basic": roll_layers.parcels_basic,
    "assessment_summary": roll_layers.assessment_summary,
    "sales": roll_layers.sales,
}
MADE: dict[str, Maker] = {"comparables": made_layers.comparables, "appreciation": made_layers.appreciation}


def layer_names(county: County) -> list[str]:
    """Every layer the county can export; loaded layers of the same name as ours are not reachable."""
    loaded = [name for name in loaded_layers(county) if name not in OF_THE_ROLL | MADE]
    made = ["comparables"]
    if TimeIndex.objects.filter(county=county).exists():
        made.append("appreciation")
    return [*OF_THE_ROLL, *made, *loaded]


def make_layer(name: str, asked: LayerRequest) -> ExportLayer:
    """Raises LayerError for a layer that is not loaded or cannot be made."""
    if maker := (OF_THE_ROLL | MADE).get(name):
        return maker(asked)
    if name not in loaded_layers(asked.county):
        raise LayerError(f"Layer {name!r} is no longer loaded in {asked.county.pk}.")
    return loaded_layer(asked, name)
