"""Model files: what is written is what is read, byte for byte, and a damaged directory is refused."""

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier import arrays as arrays_module
from classifier.errors import ModelError
from classifier.estimator import MirrorKernelRidge
from classifier.familiarity import learn
from classifier.features import scattering_features
from classifier.model import ARRAYS, FAMILIARITY_SHAPES, METADATA, SHAPES, Model
from classifier.threshold import Threshold, recommend
from contracts.answer import parse_answer

SIDE = 16
FEATURES = scattering_features(SIDE)


@pytest.fixture(scope="module")
def trained() -> tuple[MirrorKernelRidge, Model]:
    images = np.random.default_rng(0).integers(0, 256, (30, SIDE, SIDE, 3), dtype=np.uint8)
    images[::2] //= 2
    rows, codes = FEATURES(images), np.arange(30) % 2
    classifier = MirrorKernelRidge(mirrored=True).fit(rows, codes)
    model = Model(
        labels=("dim", "bright"),
        features=FEATURES,
        gamma=classifier.gamma,
        slope=classifier.slope_,
        arrays={name: getattr(classifier, f"{name}_").astype(np.float32) for name in SHAPES},
        familiarity=learn(FEATURES.pooled(rows)),
        threshold=recommend(classifier.out_of_fold_proba_, codes, 0.3),
        metadata={"note": "é"},
    )
    return classifier, model


def test_a_model_read_back_answers_as_the_classifier_does(
    trained: tuple[MirrorKernelRidge, Model], tmp_path: Path
) -> None:
    classifier, model = trained
    model.save(tmp_path)
    loaded = Model.load(tmp_path)
    images = np.random.default_rng(1).integers(0, 200, (9, SIDE, SIDE, 3), dtype=np.uint8)
    np.testing.assert_allclose(loaded.predict_proba(images), classifier.predict_proba(FEATURES(images)), atol=1e-3)
    assert (loaded.labels, loaded.features.side, loaded.metadata) == (("dim", "bright"), SIDE, {"note": "é"})
    assert loaded.threshold == model.threshold
    pooled = FEATURES.pooled(FEATURES(images))
    np.testing.assert_array_equal(loaded.familiarity.score(pooled), model.familiarity.score(pooled))


def test_an_answer_describes_the_model_that_gives_it(trained: tuple[MirrorKernelRidge, Model], tmp_path: Path) -> None:
    release = trained[1].save(tmp_path)
    loaded = Model.load(tmp_path)
    image = np.random.default_rng(2).integers(0, 100, (SIDE, SIDE, 3), dtype=np.uint8)
    answer = parse_answer(json.dumps(loaded.answer(image)).encode())
    assert (answer.labels, answer.release, answer.threshold) == (("dim", "bright"), release, loaded.threshold.value)
    assert answer.probabilities == tuple(loaded.predict_proba(image[np.newaxis])[0])
    assert answer.familiarity_limit == 0.05
    assert answer.explanation is None
    explained = parse_answer(json.dumps(loaded.answer(image, explained=True)).encode())
    assert explained.probabilities == answer.probabilities
    assert explained.explanation is not None
    assert (len(explained.explanation), len(explained.explanation[0])) == FEATURES.grid


def test_the_release_names_the_content(trained: tuple[MirrorKernelRidge, Model], tmp_path: Path) -> None:
    model = trained[1]
    release = model.save(tmp_path / "one")
    assert release == model.save(tmp_path / "two") == Model.load(tmp_path / "one").release
    assert re.fullmatch("[0-9a-f]{12}", release)
    others = [
        replace(model, labels=("dark", "bright")),
        replace(model, slope=model.slope * 1.01),
        replace(model, arrays={**model.arrays, "intercept": model.arrays["intercept"] * 2}),
        replace(model, threshold=Threshold(None, 0.02, 30, 0, 0, 1.0)),
        replace(model, metadata={"note": "e"}),
    ]
    assert len({release, *(other.save(tmp_path / "other") for other in others)}) == 1 + len(others)


@pytest.mark.parametrize("change", [{"threshold": {"value": 0.5}}, {"slope": 1.0}, {"note": "another"}], ids=str)
def test_a_model_that_was_changed_after_training_is_refused(
    trained: tuple[MirrorKernelRidge, Model], tmp_path: Path, change: dict[str, Any]
) -> None:
    trained[1].save(tmp_path)
    record = json.loads((tmp_path / METADATA).read_text())
    if "threshold" in change:
        change = {"threshold": record["threshold"] | change["threshold"]}
    (tmp_path / METADATA).write_text(json.dumps(record | change))
    with pytest.raises(ModelError, match=f"is not the release {record['release']}: it was changed after training"):
        Model.load(tmp_path)


def test_the_same_model_is_saved_as_the_same_bytes(trained: tuple[MirrorKernelRidge, Model], tmp_path: Path) -> None:
    for folder in ("one", "two"):
        trained[1].save(tmp_path / folder)
    for name in (ARRAYS, METADATA):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [METADATA, ARRAYS]


@pytest.mark.drill("Torn files and full disks")
def test_a_disk_that_fills_up_leaves_no_file(
    trained: tuple[MirrorKernelRidge, Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def fill(path: Path, data: bytes) -> int:
        if METADATA in path.name:
            write(path, data[:10])
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", fill)
    with pytest.raises(OSError, match="No space left"):
        trained[1].save(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [ARRAYS, METADATA])
def test_a_missing_file_is_named(trained: tuple[MirrorKernelRidge, Model], tmp_path: Path, name: str) -> None:
    trained[1].save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ModelError, match=f"has no {name}"):
        Model.load(tmp_path)


@pytest.mark.parametrize("name", [ARRAYS, METADATA])
@pytest.mark.parametrize("kept", [0, 100])
def test_a_truncated_file_is_refused(
    trained: tuple[MirrorKernelRidge, Model], tmp_path: Path, name: str, kept: int
) -> None:
    trained[1].save(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:kept])
    with pytest.raises(ModelError, match="can't be read"):
        Model.load(tmp_path)


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 1}', '{"format": 2}'])
def test_metadata_of_another_kind_is_refused(
    trained: tuple[MirrorKernelRidge, Model], tmp_path: Path, text: str
) -> None:
    trained[1].save(tmp_path)
    (tmp_path / METADATA).write_text(text)
    with pytest.raises(ModelError):
        Model.load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": 7},
        {"labels": ["one"]},
        {"labels": [["a"], ["b"]]},
        {"features": "colours"},
        {"features": []},
        {"side": "32"},
        {"side": 10**9},
        {"side": 0},
        {"gamma": None},
        {"slope": "steep"},
        {"slope": float("inf")},
        {"familiarity_limit": 1.5},
        {"familiarity_limit": "0.05"},
        {"threshold": 0.9},
        {"threshold": {"value": 0.9}},
        {"threshold": {"value": -0.1, "max_error": 0.02, "images": 9, "accepted": 9, "wrong": 0, "error_upper": 0.01}},
        {"release": None},
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_is_named(
    trained: tuple[MirrorKernelRidge, Model], tmp_path: Path, change: dict[str, object]
) -> None:
    trained[1].save(tmp_path)
    record = json.loads((tmp_path / METADATA).read_text())
    (tmp_path / METADATA).write_text(json.dumps(record | change))
    with pytest.raises(ModelError, match=f"has a {next(iter(change))} that can't be"):
        Model.load(tmp_path)


def test_json_of_any_depth_is_refused(trained: tuple[MirrorKernelRidge, Model], tmp_path: Path) -> None:
    trained[1].save(tmp_path)
    (tmp_path / METADATA).write_text("[" * 200_000)
    with pytest.raises(ModelError, match="can't be read"):
        Model.load(tmp_path)


def array_file(header: bytes, body: bytes = b"") -> bytes:
    """A .npy file whose header says what it likes."""
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (2000000000, 2), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",
        b"{'descr': '<M8[Y]', 'fortran_order': False, 'shape': (0,), }",
        b"__import__('os').system('true')",
        b"",
    ],
    ids=["a terabyte", "sixteen gigabytes", "a negative shape", "too few bytes", "dates", "code", "nothing"],
)
@pytest.mark.drill("Hostile files")
def test_an_array_whose_header_lies_takes_no_memory(
    trained: tuple[MirrorKernelRidge, Model], tmp_path: Path, header: bytes
) -> None:
    trained[1].save(tmp_path)
    with zipfile.ZipFile(tmp_path / ARRAYS, "w") as packed:
        for name in SHAPES | FAMILIARITY_SHAPES:
            packed.writestr(f"{name}.npy", array_file(header))
    with pytest.raises(ModelError):
        Model.load(tmp_path)


def test_arrays_that_unpack_to_more_than_any_model_has_are_refused(
    trained: tuple[MirrorKernelRidge, Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained[1].save(tmp_path)
    with zipfile.ZipFile(tmp_path / ARRAYS, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("mean.npy", bytes(1_000_000))
    monkeypatch.setattr(arrays_module, "MAX_BYTES", 999_999)
    with pytest.raises(ModelError, match="unpack to more than 999,999"):
        Model.load(tmp_path)


def test_arrays_that_do_not_fit_the_labels_are_refused(
    trained: tuple[MirrorKernelRidge, Model], tmp_path: Path
) -> None:
    trained[1].save(tmp_path)
    record = json.loads((tmp_path / METADATA).read_text())
    (tmp_path / METADATA).write_text(json.dumps({**record, "labels": ["one", "two", "three"]}))
    with pytest.raises(ModelError, match="weights has shape"):
        Model.load(tmp_path)


def test_arrays_that_are_not_finite_are_refused(trained: tuple[MirrorKernelRidge, Model], tmp_path: Path) -> None:
    model = trained[1]
    replace(model, arrays={**model.arrays, "weights": model.arrays["weights"] * np.float32("nan")}).save(tmp_path)
    with pytest.raises(ModelError, match="isn't finite"):
        Model.load(tmp_path)


@pytest.mark.drill("Hostile files")
def test_objects_among_the_arrays_are_never_unpickled(trained: tuple[MirrorKernelRidge, Model], tmp_path: Path) -> None:
    trained[1].save(tmp_path)
    np.savez(tmp_path / ARRAYS, **{name: np.array([{"an": "object"}]) for name in SHAPES | FAMILIARITY_SHAPES})  # type: ignore[arg-type]  # stubs take the names for options
    with pytest.raises(ModelError, match="allow_pickle=False"):
        Model.load(tmp_path)
