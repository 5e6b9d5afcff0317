"""What a training job left beside its model, of the test images."""

from contracts.addresses import S3Address
from contracts.judged import TEST_FILE, Judged, parse_judged
from training.archives import read_file
from training.errors import ArchiveError
from training.model import OUTPUT_FILE, beside

# Far above what 100,000 test images with 100 classes take.
MOST_BYTES = 1 << 30


def read_judged(artifact: S3Address) -> tuple[Judged, ...]:
    """Read what the model with this artifact answered of the test images in its training job.

    Raises:
        ArchiveError: the job left nothing of the kind, as those of SageMaker's built-in algorithm.
        JudgedError: it left something else.
    """
    archive = beside(artifact, OUTPUT_FILE)
    content = read_file(archive, TEST_FILE, MOST_BYTES)
    if content is None:
        raise ArchiveError(f"{archive} has no {TEST_FILE}; train again to compare this model with others")
    return parse_judged(content.decode(errors="replace"), str(archive))
