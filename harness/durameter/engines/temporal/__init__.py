"""Temporal, billed by Actions."""
