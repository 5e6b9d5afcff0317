"""The algorithms that can be trained, by name: container, hyperparameters, metrics and instance."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from contracts.dataset import DatasetRecord
from training.errors import JobError

BUILT_IN = "image-classification"
OWN = Path(__file__).parents[1] / "algorithms"


class Features(StrEnum):
    """What the repository's own algorithm computes from images: by a pretrained network, or by nothing pretrained."""

    BACKBONE = "backbone"
    SCATTERING = "scattering"


@dataclass(frozen=True)
class Recipe:
    """How an algorithm is trained.

    `image` is the name of its container image. `image_size` is the pixels a side of the only images that the network
    takes, None where it takes any. `instance_type` is what it trains on unless told otherwise. `metrics` maps the name
    of a metric to the pattern that finds it in the log; SageMaker knows those of its built-in algorithms itself.
    """

    name: str
    image: str
    instance_type: str
    image_size: int | None
    hyperparameters: Mapping[str, str]
    metrics: Mapping[str, str]

    @property
    def built_in(self) -> bool:
        """Whether SageMaker provides the container."""
        return self.image == BUILT_IN

    def check_fits(self, dataset: DatasetRecord) -> None:
        """Raise JobError where it can't be trained on this data set's images."""
        if self.image_size is None:
            return
        # With the hyperparameter `resize` it resizes them itself.
        wrong_size = "resize" not in self.hyperparameters and dataset.max_side != self.image_size
        if not dataset.exact or wrong_size:
            kept = f"squares of {dataset.max_side}" if dataset.exact else f"at most {dataset.max_side}"
            raise JobError(
                f"{self.name} takes squares of {self.image_size} pixels a side, and the images of {dataset.name} are "
                f"{kept}; stage it with --exact --max-side {self.image_size}."
            )


def recipe_of(name: str) -> Recipe:
    """Return the recipe of that name: a preset of the built-in algorithm, or a folder of `training/algorithms/`.

    Raises:
        JobError: there is no such algorithm.
    """
    if name in PRESETS:
        return PRESETS[name]
    if name in own_algorithms():
        return Recipe(name, name, "ml.m5.large", None, {}, OWN_METRICS)
    known = ", ".join([*own_algorithms(), *PRESETS])
    raise JobError(f"There is no algorithm {name!r}; there are {known}.")


def own_algorithms() -> list[str]:
    """Name the algorithms of this repository."""
    return sorted(path.parent.name for path in OWN.glob("*/train.py"))


def hyperparameters(recipe: Recipe, dataset: DatasetRecord, seed: int, chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the hyperparameters of a job, all of them strings; `chosen` are of the repository's own algorithm.

    Raises:
        JobError: one is chosen for an algorithm that doesn't have it.
    """
    if recipe.built_in:
        for name in chosen:
            raise JobError(f"{recipe.name} doesn't take --{name.replace('_', '-')}; leave it out.")
        counted = {"num_classes": len(dataset.classes), "num_training_samples": dataset.count("train")}
        return {**recipe.hyperparameters, **{name: str(value) for name, value in counted.items()}}
    return {
        "class_labels": ",".join(dataset.classes),
        "dataset_sha256": dataset.sha256,
        "seed": str(seed),
        **chosen,
    }


OWN_METRICS = {
    f"{split}:{metric}": rf"(?:^|\s){split}-{metric}=([0-9.]+)"
    for split in ("train", "validation", "out-of-fold")
    for metric in ("accuracy", "ece")
}

# https://docs.aws.amazon.com/sagemaker/latest/dg/IC-Hyperparameter.html
PRESETS = {
    "scratch-32": Recipe(
        name="scratch-32",
        image=BUILT_IN,
        instance_type="ml.g4dn.xlarge",
        image_size=32,
        hyperparameters={
            "num_layers": "18",
            "image_shape": "3,32,32",
            "use_pretrained_model": "0",
            "epochs": "30",
        },
        metrics={},
    ),
    "transfer-224": Recipe(
        name="transfer-224",
        image=BUILT_IN,
        instance_type="ml.g4dn.xlarge",
        image_size=224,
        # The pretrained network takes 224 x 224; the crop is cut from a larger image, at random for augmentation.
        hyperparameters={
            "num_layers": "18",
            "image_shape": "3,224,224",
            "resize": "256",
            "use_pretrained_model": "1",
            "augmentation_type": "crop_color_transform",
            "epochs": "10",
            "mini_batch_size": "32",
            "learning_rate": "0.001",
        },
        metrics={},
    ),
}
