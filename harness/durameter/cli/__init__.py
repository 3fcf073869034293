"""The command line: one module per command, words and calls only."""
