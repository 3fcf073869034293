"""Door 1: count what any program does on a durable-execution engine, without a change to it."""

from durameter._lazy import make_verb

make_verb(__name__)
