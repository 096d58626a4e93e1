"""Searches replayed from recorded runs: by the hundred in seconds, with statistics."""
