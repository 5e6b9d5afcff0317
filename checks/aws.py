"""Let AWS judge the state machines and, if asked, a throwaway deployment: `python -m checks.aws` is `make check-aws`.

The definitions need credentials with states:ValidateStateMachineDefinition and states:TestState, and cost nothing.
SMOKE=1 deploys everything under a random name, tries it, and takes it down; that costs money.
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
    """Return the state machines of the template, their resources named as those of an account would be."""

    def attribute(name: str, what: str) -> str:
        url, arn = f"https://sqs.{region}.amazonaws.com/{ACCOUNT}/{name}", f"arn:aws:sqs:{region}:{ACCOUNT}:{name}"
        return {"Ref": url, "Arn": arn}.get(what, name)

    return Template(ROOT / "template.yaml", {"DataBucketName": "data-bucket"}, region, attribute).state_machines()


def judge_definitions(role_arn: str | None) -> Iterator[Check]:
    """Yield what Step Functions says of every machine and every state."""
    client = boto3.client("stepfunctions")
    for machine in definitions(client.meta.region_name):
        yield states.validate(client, machine)
        yield from states.run(client, machine, role_arn)


def main() -> int:
    """Print every check; the exit code is 1 where one is bad or denied, and where none could be made."""
    parser = argparse.ArgumentParser(description="Let AWS judge the state machines; SMOKE=1 also deploys a copy.")
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
            report(Check("smoke test", Status.BAD, "interrupted; the copy was taken down"))
    counts = Counter(check.status for check in made)
    console.print(", ".join(f"{count} {status}" for status, count in counts.items()))
    return 0 if counts[Status.OK] and not {Status.BAD, Status.DENIED} & counts.keys() else 1


def _smoke(report: Callable[[Check], None]) -> tuple[Check, ...]:
    """Report as it goes; what ends it is an error, for which `attempt` has a check."""
    from checks.smoke import smoke

    smoke(report)
    return ()


if __name__ == "__main__":
    sys.exit(main())
