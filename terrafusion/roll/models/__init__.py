"""The assessment roll: properties, what stands on them, who owns them, sales and assessed values.

Dollars are integers. Surrogate keys; a county's own keys are unique within the county.
"""

from .last_load import LastLoad
from .layers import LayerFeature
from .loaded import Loaded
from .properties import Improvement, Owner, Property, PropertyType
from .sales import Sale, SaleParcel, SaleReview, TimeIndex
from .values import AssessedValue, CertifiedRoll, ValueEstimate

__all__ = [
    "AssessedValue",
    "CertifiedRoll",
    "Improvement",
    "LastLoad",
    "LayerFeature",
    "Loaded",
    "Owner",
    "Property",
    "PropertyType",
    "Sale",
    "SaleParcel",
    "SaleReview",
    "TimeIndex",
    "ValueEstimate",
]
