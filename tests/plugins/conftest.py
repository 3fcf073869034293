"""The packages here are installed, and their own tests run, by tests/durameter/plugins."""

collect_ignore = ["durameter-example", "durameter-toy"]
