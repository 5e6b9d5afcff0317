"""The verbs that run everything on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Archive, Classes, Concurrency, Json, MaxError, Out, Source, Verify, endpoint_name, names
from cli.show import print_json, terminal
from cli.verbs import Verbs

app = Verbs()


@app.command()
def demo(
    dataset: Source = "sample",
    archive: Archive = None,
    verify: Verify = True,
    classes: Classes = "",
    images: Annotated[
        int | None,
        typer.Option(min=1, help="Test images that go through the state machine; by default enough for every outcome."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Confidence threshold; by default the model's own.")
    ] = None,
    max_error: MaxError = 0.02,
    concurrency: Concurrency = 2,
    review: Annotated[
        bool, typer.Option("--review", help="Then decide about the images that went to review, in the browser.")
    ] = False,
    as_json: Json = False,
    out: Out = Path("out/demo"),
) -> None:
    """Run the whole workflow on this machine.

    Stages and explores a data set, trains, deploys and judges a model, classifies test images and writes a report.
    """
    import json

    from cli.review import review as review_images
    from contracts.locks import exclusive
    from local.demo import SUMMARY_FILE, Request, run_demo

    request = Request(dataset, archive, verify, names(classes), images, threshold, max_error, concurrency, out)

    def afterwards() -> None:
        if as_json:
            print_json(json.loads((out / SUMMARY_FILE).read_text()))
        if review:
            review_images(out=out)

    with exclusive(out):
        run_demo(request, terminal(), afterwards)


@app.command()
def local(
    endpoint: Annotated[
        str | None,
        typer.Option(
            envvar="WORKFLOW_ENDPOINT",
            parser=endpoint_name,
            metavar="NAME",
            help="Endpoint that the app stack calls; by default the template's.",
        ),
    ] = None,
    classes: Annotated[
        str,
        typer.Option(help="Labels of a model that doesn't name its own, separated by commas."),
    ] = "",
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Confidence threshold; by default the model's own.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 is any free port. By default the state's, or any."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Folder that keeps what is made, and the port and access key: the next start goes on from there. By "
            "default everything is gone when the stack ends.",
            file_okay=False,
        ),
    ] = None,
    container_address: Annotated[
        str,
        typer.Option(
            help="Address by which Docker containers reach this machine: host.docker.internal with Docker Desktop; on "
            "Linux that of the bridge, often 172.17.0.1. The stack then listens there too, and writes env.json for sam "
            "local."
        ),
    ] = "",
    logs: Annotated[Path, typer.Option(help="Folder for the logs of functions and containers.")] = Path("out/local"),
) -> None:
    """Run the local stack until Ctrl-C.

    Prints the environment variables that lead verbs, the AWS CLI and SDKs to it. With --state, `source` of the file
    `activate` in that folder sets them in another terminal. --endpoint, --classes and --threshold replace those of the
    state.

    A state keeps the bucket's objects with their versions, SageMaker's resources, the app stack's parameters, messages
    in queues, executions, schedules, and CloudWatch's metrics. It keeps neither logs nor the executions' histories.
    What runs when the stack ends is aborted. A stack that is killed loses the last seconds.
    """
    from local.foreground import serve
    from local.stack import Options

    parameters = {"EndpointName": endpoint} if endpoint else {}
    parameters |= {"ClassLabels": classes} if classes else {}
    parameters |= {"ConfidenceThreshold": str(threshold)} if threshold is not None else {}
    options = Options(
        logs=str(logs),
        parameters=parameters,
        port=port,
        container_address=container_address,
        state=str(state or ""),
    )
    serve(options, terminal())
