"""Find the states of a definition, and the objects inside a state whose fields the language names too."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from local import states_language
from local.template import StateMachineSpec

# A rule takes a machine as it is deployed and yields a sentence for each place that breaks it.
Rule = Callable[[StateMachineSpec], Iterator[str]]
Fields = Mapping[str, Any]

OBJECTS = (
    "ItemProcessor",
    "ItemProcessor.ProcessorConfig",
    "ItemReader",
    "ItemReader.ReaderConfig",
    "ItemBatcher",
    "ResultWriter",
    "ResultWriter.WriterConfig",
    "Retry",
    "Catch",
)


def states(body: Fields) -> Iterator[tuple[str, Fields]]:
    """Yield the place and the fields of every state, at any depth."""
    for processor in states_language.processors(body):
        for name, state in processor.states.items():
            yield f"{processor.where}/States/{name}", state


def inner(state: Fields) -> Iterator[tuple[str, Fields]]:
    """Yield the name and the fields of each object inside a state."""
    for name in OBJECTS:
        found: Any = state
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        for one in found if isinstance(found, list) else [found]:
            if isinstance(one, dict):
                yield name, one
