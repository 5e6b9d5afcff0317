import re
from pathlib import Path

import pytest

from contracts.layout import Prefix, baseline_key, batch_prefix, batch_results_key, capture_prefix, cases_prefix

ROOT = Path(__file__).parents[3]


def test_a_prefix_is_one_folder_at_the_top_of_the_bucket() -> None:
    assert all(re.fullmatch(r"[a-z]+/", prefix) for prefix in Prefix)
    assert {prefix.name.lower() for prefix in Prefix} == {prefix.removesuffix("/") for prefix in Prefix}


def test_keys_are_below_their_prefix() -> None:
    assert baseline_key("pedals") == "baselines/pedals.npz"
    assert capture_prefix("pedals") == "capture/pedals/"
    assert batch_prefix("b-1") == "batches/b-1/"
    assert batch_results_key("b-1", "run") == "batches/b-1/results/run/manifest.json"
    assert cases_prefix("pets") == "cases/pets/"


@pytest.mark.parametrize(
    "template", ["template.yaml", "training/template.yaml", "statemachine/classify_batch.asl.json"]
)
def test_templates_name_no_other_prefix(template: str) -> None:
    text = (ROOT / template).read_text()
    named = re.findall(r"(?:\$\{DataBucketName\}/|\$\{DataBucket\.Arn\}/|[Pp]refix: )([a-z]+/)", text)
    named += re.findall(r"States\.Format\('([a-z]+/)", text)
    assert named
    assert {*named} <= {*Prefix}
