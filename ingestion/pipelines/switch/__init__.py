"""The one transaction that turns the old roll into the new one."""
