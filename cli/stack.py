"""The verbs that run the local stack."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Archive, Classes, Concurrency, MaxError, Out, Source, Verify, names
from cli.show import console

app = typer.Typer()


@app.command()
def demo(
    dataset: Source = "sample",
    archive: Archive = None,
    verify: Verify = True,
    classes: Classes = "",
    images: Annotated[
        int | None, typer.Option(min=1, help="Test images to run through the workflow; all by default.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Confidence threshold; the recommended one by default.")
    ] = None,
    max_error: MaxError = 0.02,
    concurrency: Concurrency = 2,
    out: Out = Path("out/demo"),
) -> None:
    """Run the whole workflow on this machine: stage, explore, train, deploy, predict, run, capture and report."""
    from local.demo import Request, run_demo

    run_demo(Request(dataset, archive, verify, names(classes), images, threshold, max_error, concurrency, out), console)


@app.command()
def local(
    endpoint: Annotated[
        str | None,
        typer.Option(envvar="WORKFLOW_ENDPOINT", help="Endpoint that the app stack asks; the template's by default."),
    ] = None,
    classes: Classes = "",
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Confidence threshold.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 lets the system pick one.")] = 0,
    container_address: Annotated[
        str,
        typer.Option(
            help="Address under which Docker's containers reach this machine: host.docker.internal of Docker Desktop; "
            "on Linux the bridge's, often 172.17.0.1, where the stack then listens too. Writes env.json for sam local."
        ),
    ] = "",
    logs: Annotated[Path, typer.Option(help="Folder of the functions' and containers' logs.")] = Path("out/local"),
) -> None:
    """Run the local stack until Ctrl-C; print the variables under which every verb and SDK uses it."""
    from local.stack import Options, serve

    parameters = {"EndpointName": endpoint} if endpoint else {}
    parameters |= {"ClassLabels": classes} if classes else {}
    parameters |= {"ConfidenceThreshold": str(threshold)} if threshold is not None else {}
    options = Options(logs=str(logs), parameters=parameters, port=port, container_address=container_address)
    serve(options, console)
