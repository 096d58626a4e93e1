"""Replay hundreds of searches from recorded runs in seconds, with statistics."""
