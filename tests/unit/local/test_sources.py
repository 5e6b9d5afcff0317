"""Changes of templates and state machines, which `workflow local` tells of."""

import os
from pathlib import Path

from local.sources import Definitions


def test_each_change_of_a_definition_is_told_once(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("template.yaml", "training/template.yaml", "statemachine/one.asl.json")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    (tmp_path / "README.md").write_text("x")
    definitions = Definitions(tmp_path)
    assert definitions.changed() == []
    # An older file in its place, as after a checkout, is a change too.
    os.utime(paths[0], (1, 1))
    paths[2].unlink()
    (tmp_path / "README.md").write_text("other")
    assert definitions.changed() == ["template.yaml", "statemachine/one.asl.json"]
    assert definitions.changed() == []
