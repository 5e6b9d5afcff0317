"""Where things are in the bucket: every prefix that the workflow writes, and the keys below them."""

from enum import StrEnum


class Prefix(StrEnum):
    """What begins the keys of each kind of object; uploads under INCOMING are classified by themselves."""

    BASELINES = "baselines/"
    BATCHES = "batches/"
    CAPTURE = "capture/"
    CASES = "cases/"
    CHECKPOINTS = "checkpoints/"
    DATASETS = "datasets/"
    INCOMING = "incoming/"
    LABELS = "labels/"
    MODELS = "models/"
    SAMPLES = "samples/"


def baseline_key(endpoint: str) -> str:
    """The key of an endpoint's drift baseline."""
    return f"{Prefix.BASELINES}{endpoint}.npz"


def capture_prefix(endpoint: str) -> str:
    """What begins the keys of what an endpoint captured; SageMaker adds variant, date and hour."""
    return f"{Prefix.CAPTURE}{endpoint}/"


def batch_prefix(batch: str) -> str:
    """What begins the keys of what a batch reads and writes, in however many executions of ClassifyBatch."""
    return f"{Prefix.BATCHES}{batch}/"


def batch_results_key(batch: str, map_run: str) -> str:
    """The key of the manifest of a Map Run's results, as ResultWriter names it.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
    """
    return f"{batch_prefix(batch)}results/{map_run}/manifest.json"


def cases_prefix(dataset: str) -> str:
    """What begins the keys of a data set's test cases that are broken on purpose."""
    return f"{Prefix.CASES}{dataset}/"
