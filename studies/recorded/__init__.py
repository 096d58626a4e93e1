"""The recorded runs of the paper's sweep, as tables."""

from pathlib import Path

FOLDER = Path(__file__).parent
