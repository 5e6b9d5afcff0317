"""Labels that people gave to images, and the executions that they belong to."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from inference.executions import Execution
from monitoring.errors import MonitoringError


class LabelsError(MonitoringError):
    """The file of labels can't be read, or contradicts itself."""


def read_labels(path: Path | None) -> dict[str, str]:
    """Reviewed labels by inference id or case, from a CSV file with the columns `id` and `label`; none without *path*.

    Raises LabelsError where the file is missing, lacks a column, or gives one id two labels.
    """
    if path is None:
        return {}
    labels: dict[str, str] = {}
    try:
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                if not row["label"]:
                    raise LabelsError(f"{path} has no label for {row['id']}.")
                if labels.setdefault(row["id"], row["label"]) != row["label"]:
                    raise LabelsError(f"{path} gives {row['id']} two labels.")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelsError(f"{path} can't be read: {error}.") from error
    except KeyError as error:
        raise LabelsError(f"{path} has no column {error}; it needs `id` and `label`.") from error
    return labels


def with_labels(executions: Iterable[Execution], labels: Mapping[str, str]) -> list[Execution]:
    """*executions* with the truth that *labels* give by inference id or by case; the others keep theirs."""

    def labelled(execution: Execution) -> Execution:
        truth = labels.get(execution.inference_id or "") or labels.get(execution.case)
        return execution if truth is None else replace(execution, truth=truth)

    return [labelled(execution) for execution in executions]
