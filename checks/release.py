"""Whether a model may replace what an endpoint serves: it is approved, and no worse on the same test images."""

from dataclasses import dataclass

from contracts.addresses import S3Address
from contracts.judged import JudgedError
from monitoring.quality.comparison import NotComparable, compare
from training.artifacts import served_by
from training.errors import ArchiveError, ArtifactError
from training.job_output import read_judged
from training.model import Model
from training.registry import APPROVED, version_of


@dataclass(frozen=True)
class Ruling:
    """What speaks against deploying a model, a sentence each, and what could not be found out."""

    objections: tuple[str, ...] = ()
    unknown: str = ""


def rule(model: Model, endpoint: str) -> Ruling:
    """Judge a model by its approval, where it is registered, and by what the endpoint serves, where that is known."""
    objections = []
    version = version_of(model)
    if version and version.status != APPROVED:
        objections.append(f"{version.name} of the model registry is not approved, its status is {version.status}.")
    try:
        objections += _faults(model, endpoint)
    except (ArchiveError, ArtifactError, JudgedError, NotComparable) as error:
        return Ruling(tuple(objections), f"It can't be compared with what {endpoint} serves: {str(error).rstrip('.')}.")
    return Ruling(tuple(objections))


def _faults(model: Model, endpoint: str) -> list[str]:
    served, artifact = served_by(endpoint), S3Address.parse(model.artifact)
    if served is None or served == artifact:
        return []
    found = compare(read_judged(served), read_judged(artifact))
    if not found.faults:
        return []
    what = f"Release {found.second.release} is worse than {found.first.release}, which {endpoint} serves"
    return [f"{what}: on the same {found.images} test images {'; '.join(found.faults)}."]
