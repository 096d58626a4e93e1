"""Studies to run from a clone: `python -m studies.compare`."""
