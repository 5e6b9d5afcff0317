import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from inference.ledger import Ledger
from inference.manifest import Image
from inference.results import ResultsError, rows_of
from tests.unit.samples import BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ITEMS = [{"s3_bucket": "b", "s3_key": "1"}, {"s3_bucket": "b", "s3_key": "2"}]
ROWS = [{"item": item, "outcome": "FAILED", "error": f"E{item['s3_key']}"} for item in ITEMS]


class States:
    """A client whose one execution has these Map Runs."""

    def __init__(self, *runs: str) -> None:
        self._runs = runs

    def list_map_runs(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - the SDK's name
        return {"mapRuns": [{"mapRunArn": f"{executionArn}:{run}"} for run in self._runs]}


def write(s3: "S3Client", **files: list[dict[str, Any] | str]) -> None:
    folder = "batches/x/results/run"
    manifest: dict[str, Any] = {"DestinationBucket": BUCKET, "ResultFiles": {}}
    for end, children in files.items():
        lines = "".join((child if isinstance(child, str) else json.dumps(child)) + "\n" for child in children)
        s3.put_object(Bucket=BUCKET, Key=f"{folder}/{end}_0.jsonl", Body=lines.encode())
        manifest["ResultFiles"][end] = [{"Key": f"{folder}/{end}_0.jsonl", "Size": len(lines)}]
    s3.put_object(Bucket=BUCKET, Key=f"{folder}/manifest.json", Body=json.dumps(manifest).encode())


def read(s3: "S3Client") -> list[dict[str, Any]]:
    return list(rows_of(s3, States("run"), "arn", BUCKET, "x"))  # type: ignore[arg-type]  # all that is asked of it


def test_rows_come_from_all_files(s3: "S3Client") -> None:
    done = {"Status": "SUCCEEDED", "Output": json.dumps(ROWS[:1])}
    failed = {"Status": "FAILED", "Error": "AllImagesFailed", "Cause": '["E1", "E2"]'}
    write(s3, SUCCEEDED=[done], FAILED=[failed | {"Input": json.dumps({"Items": ITEMS})}])
    assert read(s3) == [*ROWS[:1], *ROWS]


def test_causes_that_are_not_one_for_each_image_are_named(s3: "S3Client") -> None:
    failed = {"Status": "FAILED", "Error": "AllImagesFailed", "Cause": '["E1"]'}
    write(s3, FAILED=[failed | {"Input": json.dumps({"Items": ITEMS})}])
    with pytest.raises(ResultsError, match=r"FAILED_0\.jsonl"):
        read(s3)


@pytest.mark.parametrize(
    ("child", "error"),
    [
        ({"Status": "FAILED", "Error": "States.DataLimitExceeded", "Cause": ""}, "States.DataLimitExceeded"),
        ({"Status": "TIMED_OUT"}, "States.Timeout"),
    ],
)
def test_a_child_that_failed_whole_gives_each_image_its_error(
    s3: "S3Client", child: dict[str, Any], error: str
) -> None:
    write(s3, FAILED=[child | {"Input": json.dumps({"Items": ITEMS})}])
    assert read(s3) == [{"item": item, "outcome": "FAILED", "error": error} for item in ITEMS]


def test_a_child_that_was_stopped_or_never_ran_gives_no_rows(s3: "S3Client") -> None:
    given = json.dumps({"Items": ITEMS})
    write(s3, FAILED=[{"Status": "ABORTED", "Input": given}], PENDING=[{"Status": "PENDING", "Input": given}])
    assert read(s3) == []


def test_an_execution_without_results_gives_no_rows(s3: "S3Client") -> None:
    assert read(s3) == []


def test_a_file_that_is_no_results_is_named(s3: "S3Client") -> None:
    write(s3, SUCCEEDED=["not JSON"])
    with pytest.raises(ResultsError, match=r"SUCCEEDED_0.jsonl isn't a file of ClassifyBatch's results"):
        read(s3)


def test_results_of_a_pinned_version_are_that_versions(s3: "S3Client", tmp_path: Path) -> None:
    latest = {"s3_bucket": "b", "s3_key": "1"}
    pinned = [latest | {"s3_version_id": version} for version in ("v1", "v2")]
    failed = {
        "Status": "FAILED",
        "Error": "AllImagesFailed",
        "Cause": '["E1"]',
        "Input": json.dumps({"Items": [pinned[0]]}),
    }
    done = [{"item": pinned[1], "outcome": "ACCEPTED"}, {"item": latest, "outcome": "REVIEW"}]
    write(s3, SUCCEEDED=[{"Status": "SUCCEEDED", "Output": json.dumps(done)}], FAILED=[failed])
    assert sorted(read(s3), key=str) == sorted(
        [*done, {"item": pinned[0], "outcome": "FAILED", "error": "E1"}], key=str
    )
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.list([Image("b", "1"), Image("b", "1", "v1"), Image("b", "1", "v2")])
    ledger.record(ledger.begin_run(0, "x"), read(s3))
    assert ledger.account().holds
    assert list(ledger.images_to_run()) == [Image("b", "1", "v1")]
    ledger.close()


def test_a_map_run_without_results_does_not_hide_those_of_the_next(s3: "S3Client") -> None:
    write(s3, SUCCEEDED=[{"Status": "SUCCEEDED", "Output": json.dumps(ROWS)}])
    states: Any = States("stopped", "run")
    assert list(rows_of(s3, states, "arn", BUCKET, "x")) == ROWS
