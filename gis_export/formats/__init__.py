"""The formats an export can be written in, by the names the API uses."""
