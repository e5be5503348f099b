"""The permissions of each role in a county. Each role includes the one before it.

The permissions for a plugin follow from the role that may execute its jobs, which its kind of job names (`add_plugin`).
"""

ROLES: dict[str, frozenset[str]] = {}
for _role, _added in {
    "viewer": {"view_county"},
    "analyst": set[str](),
    "appraiser": {"review_sales"},
    "supervisor": {"review_jobs", "approve_values", "view_owner_names"},
    "administrator": {"manage_county"},
}.items():
    ROLES[_role] = frozenset(_added).union(*ROLES.values())

# The roles that review jobs and sales in the admin, which Django opens only to staff.
STAFF_ROLES = frozenset({"supervisor", "administrator"})

_plugins: list[str] = []


def add_plugin(plugin: str, executed_by: str) -> None:
    """Lets every role see the plugin's jobs, and this role and those above it start them.

    Raises ValueError for a role that does not exist, and for a plugin that was added before.
    """
    if executed_by not in ROLES:
        raise ValueError(f"{plugin}: executed_by is {executed_by!r}; the roles are {', '.join(ROLES)}.")
    if plugin in _plugins:
        raise ValueError(f"The plugin {plugin!r} has its permissions already.")
    _plugins.append(plugin)
    first = list(ROLES).index(executed_by)
    for rank, role in enumerate(ROLES):
        ROLES[role] |= {f"view_{plugin}_status", f"view_{plugin}_results"}
        if rank >= first:
            ROLES[role] |= {f"execute_{plugin}"}


def plugin_permissions() -> list[tuple[str, str]]:
    """The three permissions of each plugin, as codename and title."""
    return [
        permission
        for plugin in _plugins
        for permission in (
            (f"execute_{plugin}", f"Can start {plugin} jobs"),
            (f"view_{plugin}_status", f"Can see the status of {plugin} jobs"),
            (f"view_{plugin}_results", f"Can see the results of {plugin} jobs"),
        )
    ]


def group_name(county_id: str, role: str) -> str:
    return f"{county_id}: {role}"
