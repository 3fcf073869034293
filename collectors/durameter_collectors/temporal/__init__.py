"""Temporal: Actions from event histories and pending activities, and the server's own meter."""
