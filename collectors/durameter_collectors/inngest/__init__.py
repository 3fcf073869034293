"""Inngest: executions from run traces, and what the app itself answered to the server."""
