"""Measuring: tasks on engines, the result folder, and reading it back."""

from durameter._lazy import make_verb

make_verb(__name__)
