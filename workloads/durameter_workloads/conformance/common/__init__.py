"""What the suites of all engines share."""
