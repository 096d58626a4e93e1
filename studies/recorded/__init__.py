"""The recorded runs of the paper's sweep, as compressed CSV tables."""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Folder of the tables."""
