"""Facts out of engines: records become units, by a rulebook. Knows no workload and no price."""
