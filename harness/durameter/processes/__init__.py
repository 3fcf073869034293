"""Child processes: one way to start them, and to end them whatever happens."""
