"""What a report is about, by name: the model, its data set and release, who answered, when, and how many images."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from inference.executions import Execution
from monitoring.quality.evaluation import Evaluation
from monitoring.report.figures import Figures

RELEASES_SHOWN = 4


@dataclass(frozen=True)
class TrainedModel:
    """The model that was trained last: its training job and data set, and the release that it calls itself, if any."""

    training_job: str
    dataset: str
    release: str | None = None


@dataclass(frozen=True)
class Fact:
    """One line of what the report is about; `note` explains it."""

    name: str
    value: str
    note: str = ""


def releases_of(executions: Iterable[Execution]) -> Counter[str | None]:
    """How many answers each release gave; None are those of models that don't name themselves."""
    return Counter(one.release for one in executions if one.label is not None)


def facts(
    executions: Sequence[Execution],
    figures: Figures,
    model: TrainedModel | None = None,
    evaluation: Evaluation | None = None,
    dataset: str | None = None,
) -> list[Fact]:
    """What a reader must know before any figure. *dataset* is that of the baseline, where nothing else names one."""
    releases = releases_of(executions)
    own = model if model and (not releases or model.release in releases) else None
    found = [Fact("Model", own.training_job, "training job") if own else Fact("Model", "not known", _unknown(model))]
    if evaluation:
        found.append(Fact("Data set", evaluation.dataset, _images_of(evaluation)))
    elif name := own.dataset if own else dataset:
        found.append(Fact("Data set", name))
    found.append(_release(releases))
    if endpoints := sorted({f"{one.endpoint} / {one.variant}" for one in executions if one.endpoint}):
        found.append(Fact("Endpoint and variant", ", ".join(endpoints)))
    return [*found, _time(executions), _images(figures)]


def _unknown(model: TrainedModel | None) -> str:
    return "model.json describes another release than the one that answered" if model else "there is no model.json"


def _images_of(evaluation: Evaluation) -> str:
    trained = sum(evaluation.trained_on.values())
    return (f"{trained:,} images to train, " if trained else "") + f"{evaluation.images:,} to test"


def _release(releases: Counter[str | None]) -> Fact:
    named = {name: count for name, count in releases.most_common() if name is not None}
    if not named:
        return Fact("Release", "not named", "the answers don't say" if releases else "nothing was answered")
    if len(releases) == 1:
        return Fact("Release", next(iter(named)))
    shown = [f"{name or 'not named'} ({count:,})" for name, count in releases.most_common(RELEASES_SHOWN)]
    more = f", and {len(releases) - RELEASES_SHOWN} more" if len(releases) > RELEASES_SHOWN else ""
    return Fact("Releases", ", ".join(shown) + more, "and how many images each answered")


def _time(executions: Sequence[Execution]) -> Fact:
    moments = [datetime.fromisoformat(one.started).astimezone(UTC) for one in executions]
    first, last = min(moments), max(moments)
    day = "%Y-%m-%d %H:%M:%S"
    end = "" if last == first else f" to {last:{'%H:%M:%S' if first.date() == last.date() else day}}"
    return Fact("Time", f"{first:{day}}{end} UTC")


def _images(figures: Figures) -> Fact:
    if figures.observed_only:
        return Fact(
            "Images", f"{figures.executions:,}", "captured records, which tell nothing of rejections and failures"
        )
    return Fact("Images", f"{figures.executions:,}", f"{figures.classified:,} of them classified")
