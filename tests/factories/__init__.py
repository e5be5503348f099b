"""Believable rows for the tests: a test names only the fields it is about.

Every value follows from a row's number, so a test meets the same rows whenever it runs (`tests/conftest.py` starts the
numbers anew for each test). No row is named after a person.
"""

from .counties import PASSWORD, CountyFactory, UserFactory, a_county, a_user, client_of
from .ingestion import IngestionRunFactory, RejectedRowFactory, SourceFileFactory
from .jobs import (
    JOB_FACTORIES,
    GisExportJobFactory,
    IngestionJobFactory,
    MarketAnalysisJobFactory,
    ReportJobFactory,
    ValuationJobFactory,
)
from .market import SaleReviewFactory, TimeIndexFactory, ValueEstimateFactory
from .roll import (
    TAX_YEAR,
    VALUATION_DATE,
    AssessedValueFactory,
    ImprovementFactory,
    LayerFeatureFactory,
    OwnerFactory,
    PropertyFactory,
    SaleFactory,
    SaleParcelFactory,
    save_deeds,
)
from .sequences import start_anew

__all__ = [
    "JOB_FACTORIES",
    "PASSWORD",
    "TAX_YEAR",
    "VALUATION_DATE",
    "AssessedValueFactory",
    "CountyFactory",
    "GisExportJobFactory",
    "ImprovementFactory",
    "IngestionJobFactory",
    "IngestionRunFactory",
    "LayerFeatureFactory",
    "MarketAnalysisJobFactory",
    "OwnerFactory",
    "PropertyFactory",
    "RejectedRowFactory",
    "ReportJobFactory",
    "SaleFactory",
    "SaleParcelFactory",
    "SaleReviewFactory",
    "SourceFileFactory",
    "TimeIndexFactory",
    "UserFactory",
    "ValuationJobFactory",
    "ValueEstimateFactory",
    "a_county",
    "a_user",
    "client_of",
    "save_deeds",
    "start_anew",
]
