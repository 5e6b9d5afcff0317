"""Ask the endpoint where it looked."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from contracts.answer import EXPLAIN, AnswerError, parse_answer
from imaging.decoding import model_input
from review.errors import ReviewError
from review.image import ReviewImage, read_original

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient


# The template's default of MaxSide; models that must have another size, such as the built-in one, explain nothing.
MAX_SIDE = 224


class NotExplained(ReviewError):
    """The endpoint can't say where it looked."""


@dataclass(frozen=True)
class Explainer:
    """Sends images to their endpoints as the workflow does."""

    s3: "S3Client"
    runtime: "SageMakerRuntimeClient"

    def explain(self, image: ReviewImage) -> dict[str, Any]:
        """Return the release that answers now, its label, and `cells`: the rows of a grid over the upright image.

        Raises:
            NotExplained: the endpoint is gone or fails, or its model can't tell.
            ImageUnavailable: the image was deleted or replaced.
        """
        sent = model_input(read_original(self.s3, image), MAX_SIDE, exact=False)
        try:
            response = self.runtime.invoke_endpoint(
                EndpointName=image.endpoint,
                ContentType="application/x-image",
                Body=sent.png,
                CustomAttributes=EXPLAIN,
            )
            answer = parse_answer(response["Body"].read(), image.model.labels)
        except (AnswerError, ClientError) as error:
            raise NotExplained(f"The endpoint {image.endpoint} can't say where it looked: {error}") from error
        if answer.explanation is None:
            raise NotExplained(f"The model behind {image.endpoint} can't say where it looked.")
        return {"release": answer.release, "label": answer.label, "cells": answer.explanation}
