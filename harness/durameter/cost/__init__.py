"""What units cost: prices, profiles, capacity, projections and scenarios. Nothing in here knows of reports."""
