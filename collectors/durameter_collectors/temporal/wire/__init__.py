"""The wire: what clients and workers said to a Temporal server, and which Actions that made."""
