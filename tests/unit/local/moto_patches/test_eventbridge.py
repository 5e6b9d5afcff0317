import json
from collections.abc import Mapping
from typing import Any

import pytest

from local.moto_patches.eventbridge import transformed

TEMPLATE = '{"key": <key>, "twice": [<key>, <size>]}'


def made(event: Mapping[str, Any], template: str, **paths: str) -> Any:
    target = {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}
    return json.loads(transformed(target, event))


@pytest.mark.parametrize("key", ["a b", "a+b", "100%25", "été 自転車", 'a "quoted" \\ key', "<size>", "line\nbreak"])
def test_a_value_without_quotes_is_put_in_as_json(key: str) -> None:
    event = {"detail": {"object": {"key": key, "size": 3}}}
    answer = made(event, TEMPLATE, key="$.detail.object.key", size="$.detail.object.size")
    assert answer == {"key": key, "twice": [key, 3]}


def test_a_path_may_have_a_dash() -> None:
    event = {"detail": {"object": {"version-id": "1"}}}
    assert made(event, "[<version>]", version="$.detail.object.version-id") == ["1"]


def test_a_path_that_the_event_does_not_have_gives_nothing() -> None:
    assert made({"detail": {}}, "[<version>]", version="$.detail.version") == []


def test_without_a_transformer_the_target_gets_the_whole_event() -> None:
    assert json.loads(transformed({}, {"detail": {"a": 1}})) == {"detail": {"a": 1}}
