"""Which executions the report's table has: all of a few, and the first of each outcome where there are many."""

from collections import Counter
from collections.abc import Sequence

from contracts.outcomes import Outcome
from inference.executions import Execution

# A browser shows, sorts and filters as many rows at once; executions.jsonl has them all.
MOST_ROWS = 800
ROWS_AN_OUTCOME = MOST_ROWS // len(Outcome)


def shown(executions: Sequence[Execution]) -> Sequence[Execution]:
    """At most MOST_ROWS of *executions*, in their order, with images of every outcome that occurs."""
    if len(executions) <= MOST_ROWS:
        return executions
    counts: Counter[Outcome] = Counter()
    found = []
    for execution in executions:
        if counts[execution.outcome] < ROWS_AN_OUTCOME:
            counts[execution.outcome] += 1
            found.append(execution)
    return found


def labels_of(executions: Sequence[Execution]) -> list[str]:
    """The labels that *executions* have, in alphabetical order, to choose from."""
    return sorted({execution.label for execution in executions if execution.label is not None})
