"""The agent on Temporal: one agent, several patterns of messages and model calls."""
