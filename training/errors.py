"""What can go wrong while data are staged and models are trained or served.

TrainingError
├── ArchiveError       an archive can't be had, or isn't what it should be
├── UnknownClassError  a class was asked for that the source doesn't have
├── ImageError         an image file can't be read as one still picture
├── ModelRecordError   a record of a model or of its job can't be read
├── JobError           a training job can't be asked for, or ended without a model
├── ArtifactError      what names a model leads to no artifact
├── RegistryError      the model registry has no such version, or none that may be deployed
├── DeployError        an endpoint can't be put into service
├── StackError         a stack's outputs can't be had
├── PredictError       an image can't be found, or the endpoint has no answer for it
└── ImageBuildError    a container image can't be built or pushed

That a data set can't be made, found or read is `contracts.dataset.DatasetError`.
"""

from contracts.errors import WorkflowError


class TrainingError(WorkflowError):
    """Base of every error that a training verb raises on purpose; its message is one sentence for the user."""


class ArchiveError(TrainingError):
    """An archive can't be downloaded, fails its check, or holds what such an archive must not hold."""


class UnknownClassError(TrainingError):
    """A class was asked for that the source doesn't have."""


class ImageError(TrainingError):
    """A file can't be read as one still picture."""


class ModelRecordError(TrainingError):
    """A model.json or job.json can't be read as the record that it should be."""


class JobError(TrainingError):
    """A training job can't be asked for, or ended without a model."""


class ArtifactError(TrainingError):
    """What is given as a model leads to no artifact."""


class RegistryError(TrainingError):
    """The model registry has no such group or version, or none that is approved."""


class DeployError(TrainingError):
    """An endpoint can't be put into service."""


class StackError(TrainingError):
    """A stack or one of its outputs is missing, or can't be read."""


class PredictError(TrainingError):
    """An image can't be found, or the endpoint has no answer for it."""


class ImageBuildError(TrainingError):
    """A container image can't be built or pushed."""
