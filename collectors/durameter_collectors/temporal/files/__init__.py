"""Histories in files."""
