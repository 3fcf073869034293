"""Gates for continuous integration: budgets that a result is held against, and the difference of two results."""
