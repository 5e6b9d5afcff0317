"""What all verbs have in common: `--quiet`, JSON alone on standard output with `--json`, and a help in groups."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import typer
import typer.core

from cli.options import COST, OUTPUT, PLACES, REGISTRY, WINDOW, Quiet
from cli.show import output

JSON_PARAMETER = "as_json"
ARGUMENTS, OPTIONS = "Arguments", "Options"
# Groups that verbs share come after their own, in this order.
SHARED = (WINDOW, REGISTRY, PLACES, COST, OUTPUT)


class Verb(typer.core.TyperCommand):
    """A verb whose help has its options under headings, which are their `rich_help_panel`; without importing rich."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the groups: the verb's own first, in the order of its parameters."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                groups.setdefault(_heading(parameter), []).append(record)
        for heading in [*(name for name in groups if name not in SHARED), *(name for name in SHARED if name in groups)]:
            with formatter.section(heading):
                formatter.write_dl(groups[heading])


def _heading(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return ARGUMENTS
    return OUTPUT if parameter.name == "help" else parameter.rich_help_panel or OPTIONS


class Verbs(typer.Typer):
    """Some of the verbs; a verb that takes `as_json` prints its JSON by `cli.show.print_json`."""

    def command(self, *names: Any, **settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # type: ignore[override]  # passes all on
        """Register a verb, and return it as it is."""
        register = super().command(*names, cls=Verb, **settings)

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
