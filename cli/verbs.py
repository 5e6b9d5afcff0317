"""What all verbs have in common: `--quiet`, and nothing but JSON on standard output with `--json`."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import typer

from cli.options import Quiet
from cli.show import output

JSON_PARAMETER = "as_json"


class Verbs(typer.Typer):
    """Some of the verbs; a verb that takes `as_json` prints its JSON by `cli.show.print_json`."""

    def command(self, *names: Any, **settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # type: ignore[override]  # passes all on
        """Register a verb, and return it as it is."""
        register = super().command(*names, **settings)

        def decorate(verb: Callable[..., Any]) -> Callable[..., Any]:
            register(_with_output(verb))
            return verb

        return decorate


def _with_output(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the option `--quiet`, and lead what it prints to where its options say."""

    @functools.wraps(verb)
    def command(context: typer.Context, quiet: bool, **given: Any) -> None:
        with output(quiet=quiet or context.find_root().params["quiet"], as_json=given.get(JSON_PARAMETER, False)):
            verb(**given)

    # Typer reads a verb's options from its signature.
    kind = inspect.Parameter.KEYWORD_ONLY
    own = [one.replace(kind=kind) for one in inspect.signature(verb).parameters.values()]
    added = [
        inspect.Parameter("context", kind, annotation=typer.Context),
        inspect.Parameter("quiet", kind, annotation=Quiet, default=False),
    ]
    command.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    return command
