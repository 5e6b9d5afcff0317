"""Check the state machines and, if asked, a temporary deployment by AWS itself: `python -m checks.aws`.

The definitions need credentials with states:ValidateStateMachineDefinition and states:TestState, and cost nothing.
SMOKE=1 deploys everything under a random name, tests it and deletes it; that costs money.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import boto3
from rich.console import Console

from checks import states
from checks.check import Check, Status, attempt
from local.stack import ROOT
from local.template import StateMachineSpec, Template

ACCOUNT = "123456789012"


def definitions(region: str) -> list[StateMachineSpec]:
    """Return the template's state machines, with resource names as in an account."""

    def attribute(name: str, what: str) -> str:
        url, arn = f"https://sqs.{region}.amazonaws.com/{ACCOUNT}/{name}", f"arn:aws:sqs:{region}:{ACCOUNT}:{name}"
        return {"Ref": url, "Arn": arn}.get(what, name)

    return Template(ROOT / "template.yaml", {"DataBucketName": "data-bucket"}, region, attribute).state_machines()


def judge_definitions(role_arn: str | None) -> Iterator[Check]:
    """Yield the results of Step Functions for every machine and every state."""
    client = boto3.client("stepfunctions")
    for machine in definitions(client.meta.region_name):
        yield states.validate(client, machine)
        yield from states.run(client, machine, role_arn)


def main() -> int:
    """Print every check; the exit code is 1 if one is bad or denied, or if none could be made."""
    parser = argparse.ArgumentParser(description="Check the state machines by AWS itself; SMOKE=1 also deploys a copy.")
    parser.add_argument("--role", help="role for the states without a mock, if TestState asks for one")
    arguments = parser.parse_args()
    console = Console(highlight=False, markup=False, soft_wrap=True)
    made: list[Check] = []

    def report(check: Check) -> None:
        made.append(check)
        console.print(check.line)

    for check in attempt("state machines", partial(judge_definitions, arguments.role)):
        report(check)
    if os.environ.get("SMOKE") == "1":
        try:
            for check in attempt("smoke test", partial(_smoke, report)):
                report(check)
        except KeyboardInterrupt:
            report(Check("smoke test", Status.BAD, "interrupted; the copy was deleted"))
    counts = Counter(check.status for check in made)
    console.print(", ".join(f"{count} {status}" for status, count in counts.items()))
    return 0 if counts[Status.OK] and not {Status.BAD, Status.DENIED} & counts.keys() else 1


def _smoke(report: Callable[[Check], None]) -> tuple[Check, ...]:
    """Report each step; `attempt` turns an error that ends it into a result."""
    from checks.smoke import smoke

    smoke(report)
    return ()


if __name__ == "__main__":
    sys.exit(main())
