"""Count what any program does on a durable-execution engine, without a change to it."""
