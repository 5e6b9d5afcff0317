"""The verb that tells how good the model is in use."""

from typing import Annotated

import typer

from cli.options import DEFAULT_OUT, Bucket, Endpoint, Json, Out, Stack
from cli.show import print_json, say, show
from cli.verbs import Verbs
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

app = Verbs()


@app.command()
def quality(
    bucket: Bucket = None,
    endpoint: Endpoint = None,
    stack: Stack = DEFAULT_STACK,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Data set that the labels are for; by default that of the model in --out."),
    ] = None,
    max_error: Annotated[
        float | None,
        typer.Option(
            min=0.001, max=0.499, help="Error that was promised for accepted images; by default that of the model."
        ),
    ] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Put the figures to CloudWatch, for alarms.")] = False,
    as_json: Json = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Tell how often accepted answers are wrong in use.

    Judges them by what people decided in the audit, and says whether the promised error holds. May be run every day.
    """
    from dataclasses import replace

    from checks.live_quality import live_quality
    from contracts.files import write_whole
    from monitoring.capture.endpoint_metrics import MetricsError
    from monitoring.quality.live_metrics import publish_live_accuracy
    from monitoring.quality.live_quality import QUALITY_FILE
    from monitoring.quality.live_show import view_quality
    from monitoring.quality.review_rate import DAYS, review_rate

    stacks = Stacks(stack)
    rate, unknown = None, f"{stack} classified nothing in the last {DAYS} days."
    try:
        rate = review_rate(stack)
    except MetricsError as error:
        unknown = str(error)
    found = replace(live_quality(bucket or stacks.bucket, out, name, max_error), rate=rate)
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / QUALITY_FILE, found.to_json())
    put = publish_live_accuracy(endpoint or stacks.endpoint, found.accuracy) if publish else 0
    if as_json:
        print_json(found.to_record() | {"file": out / QUALITY_FILE, "published": put})
        return
    if found.is_empty:
        say(f"Nobody has decided about an image of {found.dataset} yet; run `workflow review`.")
    else:
        show(view_quality(found))
    if rate is None or rate.share is None:
        say(f"The review rate is not known: {unknown}")
    say(f"Quality: {out / QUALITY_FILE}")
    if publish:
        say(f"{put} metrics put to CloudWatch.")
