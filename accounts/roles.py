"""The permissions of each role in a county. Each role includes the one before it."""

from county_configs.models import PLUGINS

VIEWER = frozenset(
    {"view_county"} | {f"view_{plugin}_status" for plugin in PLUGINS} | {f"view_{plugin}_results" for plugin in PLUGINS}
)
ANALYST = VIEWER | {"execute_reporting", "execute_market_analysis", "execute_gis_export"}
APPRAISER = ANALYST | {"execute_valuation", "review_sales"}
SUPERVISOR = APPRAISER | {"execute_ingestion", "review_jobs", "approve_values", "view_owner_names"}
ADMINISTRATOR = SUPERVISOR | {"manage_county"}

ROLES = {
    "viewer": VIEWER,
    "analyst": ANALYST,
    "appraiser": APPRAISER,
    "supervisor": SUPERVISOR,
    "administrator": ADMINISTRATOR,
}

# The roles that review jobs and sales in the admin, which Django opens only to staff.
STAFF_ROLES = frozenset({"supervisor", "administrator"})


def group_name(county_id: str, role: str) -> str:
    return f"{county_id}: {role}"
