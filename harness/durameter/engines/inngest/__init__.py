"""Inngest, billed by executions."""
