"""What a model's metadata must be before anything is believed of it."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from classifier.errors import ModelError
from classifier.features import KINDS


def check(record: Mapping[str, Any], directory: Path) -> None:
    """Refuse what training doesn't write; ModelError names the first of it."""
    labels = record.get("labels")
    kind = KINDS.get(record["features"]) if isinstance(record.get("features"), str) else None
    fits = {
        "labels": isinstance(labels, list) and len(labels) > 1 and all(type(label) is str for label in labels),
        "features": kind is not None,
        "side": _is_whole(record.get("side")) and (kind is None or record["side"] in kind.sides),
        "gamma": _is_number(record.get("gamma")),
        "slope": _is_number(record.get("slope")),
        "familiarity_limit": _is_share(record.get("familiarity_limit")),
        "threshold": _is_threshold(record.get("threshold")),
        "network": record.get("network") is None or isinstance(record["network"], dict),
        "release": isinstance(record.get("release"), str),
    }
    for name in (name for name, fit in fits.items() if not fit):
        raise ModelError(f"The model in {directory} has a {name} that can't be: {str(record.get(name))[:80]}.")


def _is_threshold(value: Any) -> bool:
    checks: dict[str, Callable[[Any], bool]] = {
        "value": lambda value: value is None or _is_share(value),
        "max_error": _is_share,
        "images": _is_whole,
        "accepted": _is_whole,
        "wrong": _is_whole,
        "error_upper": _is_share,
    }
    return isinstance(value, dict) and all(name in value and check(value[name]) for name, check in checks.items())


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _is_whole(value: Any) -> bool:
    return type(value) is int and value >= 0
