"""An engine in memory, for tests of durameter and as an example of its form."""
