"""What an image takes on the local stack: `typical.json`, which `make bench-costs` writes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.costs.measured import DeployedFunction, Measured

TYPICAL_FILE = Path(__file__).with_name("typical.json")


@dataclass(frozen=True)
class Typical:
    """Means of a run of the benchmark.

    Attributes:
        date: of the run, ISO 8601.
        machine: its kind (processors, architecture, system, Python's version) and its load when the run began.
        images: what the images were, in words.
        measured: of the executions; the functions go by their names in template.yaml.
        functions: memory and architecture by the same names.
        model_seconds: from a request to the endpoint's container to its answer.
        processor_seconds: processor time by who spends it: `serialize`, `classify`, `threshold`, `endpoint`, `stack`.
        request_bytes: what the endpoint gets of an image.
        answer_bytes: what it answers.
        captured_bytes: a line of captured data.
        log_bytes: by log: `serialize`, `classify`, `threshold`, `platform` (Lambda's own lines), and `express`, which
            only an Express execution writes.
    """

    date: str
    machine: Mapping[str, Any]
    images: str
    measured: Measured
    functions: Mapping[str, DeployedFunction]
    model_seconds: float
    processor_seconds: Mapping[str, float]
    request_bytes: float
    answer_bytes: float
    captured_bytes: float
    log_bytes: Mapping[str, float]

    @property
    def sentence(self) -> str:
        """Where the figures come from, for people."""
        processors = f"{self.machine['processors']} {self.machine['architecture']} processors"
        return f"the benchmark of {self.date}, {self.measured.executions} {self.images} on {processors}"


def read_typical(path: Path = TYPICAL_FILE) -> Typical:
    """Read what the benchmark measured last."""
    record = json.loads(path.read_text())
    functions = {name: DeployedFunction(**one) for name, one in record.pop("functions").items()}
    return Typical(measured=Measured(**record.pop("measured")), functions=functions, **record)
