"""What to do with N full runs: searches and methods without a search, at equal budgets."""
