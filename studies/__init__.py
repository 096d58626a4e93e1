"""Studies to run from a clone, such as `python -m studies.compare`."""
