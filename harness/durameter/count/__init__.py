"""Counting records that already exist: Temporal histories in files, and Inngest runs on a server."""
