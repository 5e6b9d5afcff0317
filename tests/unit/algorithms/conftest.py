"""Puts the container's program on the path, as running it from its folder does."""

import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[3] / "training" / "algorithms" / "scattering_ridge"
sys.path.insert(0, str(PROGRAM))
