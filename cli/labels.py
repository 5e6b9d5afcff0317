"""What verbs say of the images that wait for people."""

from training.sagemaker.stacks import StackMissing, Stacks


def waiting_line(stacks: Stacks) -> str | None:
    """Say how many images wait for review; None where there is no app stack, and so no queue."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from review.queue import ReviewQueue
    from training.errors import StackError

    try:
        count = ReviewQueue(boto3.client("sqs"), stacks.review_queue_urls).count()
    except StackMissing:
        return None
    except (StackError, ClientError, BotoCoreError) as error:
        return f"How many images wait for review is not known: {error}"
    if not count:
        return "No image waits for review."
    return f"{count:,} image{' waits' if count == 1 else 's wait'} for review: `workflow review`"
