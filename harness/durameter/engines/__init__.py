"""Engines: find, start or reach a server, and end it whatever happens."""
