"""Where SageMaker puts things, below one base directory."""

import os
from pathlib import Path


def base() -> Path:
    """The directory that holds input, model and output: SAGEMAKER_BASE_DIR, or /opt/ml."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
