"""Gates for continuous integration: budgets that a result is checked against, and the difference of two results."""
