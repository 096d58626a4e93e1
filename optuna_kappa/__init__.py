"""Learning rates for long and scheduled training runs, from cheap short ones."""

__version__ = "0.1.0"
