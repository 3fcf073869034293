"""Measuring: tasks on engines, the result folder, and reading it back."""
