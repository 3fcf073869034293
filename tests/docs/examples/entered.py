"""How often the body of a workflow or a function was entered: once, and once more per replay."""

from collections import Counter

bodies: Counter[str] = Counter()
"""By the id of the workflow, or the name of the function."""
