"""The arrows between packages: every import, also inside functions and under TYPE_CHECKING, goes where it may."""

import ast
import sys
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parents[2]
BELOW_LOCAL = {"contracts", "imaging", "inference", "monitoring", "review", "training"}
# What each package may import of the others; the functions' and the algorithms' folders are checked below.
MAY_IMPORT: Mapping[str, set[str]] = {
    "contracts": set(),
    "imaging": set(),
    "review": {"contracts", "imaging", "inference"},
    "training": {"contracts", "imaging", "review"},
    "inference": {"contracts"},
    "monitoring": {"contracts", "imaging", "inference", "review"},
    "local": BELOW_LOCAL,
    "checks": BELOW_LOCAL | {"local"},
    "cli": BELOW_LOCAL | {"local", "checks"},
}
# What a function packs beside its own module.
PACKED: Mapping[str, set[str]] = {
    "serialize": {"imaging"},
    "classify": {"contracts"},
    "threshold": set(),
    "drift": {"contracts", "imaging", "monitoring", "review"},
}
# Lowest first; modules of the package itself are below all of them.
MONITORING = ("capture", "quality", "drift", "report")
LONGEST, MEDIAN = 300, 120


def sources(folder: str) -> list[Path]:
    """The modules of a folder, without those that links lead to and without the container programs."""
    found = (path for path in sorted((ROOT / folder).rglob("*.py")) if "algorithms" not in path.parts)
    return [path for path in found if not _linked(path)]


def _linked(path: Path) -> bool:
    return any(parent.is_symlink() for parent in path.parents if parent.is_relative_to(ROOT))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for package in MAY_IMPORT for path in sources(package)}
PACKAGES = {*MAY_IMPORT, "functions", "tests", "benchmarks"}


def imported(path: Path) -> set[str]:
    """Every module of ours that a file names in an import."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            assert node.module is not None
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & {*MODULES} or {node.module}
    return {name for name in found if name.split(".")[0] in PACKAGES}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_is_below_it(package: str) -> None:
    wrong = [
        f"{module_of(path)} imports {name}"
        for path in sources(package)
        for name in imported(path)
        if name.split(".")[0] not in MAY_IMPORT[package] | {package}
    ]
    assert not wrong


def test_the_arrows_themselves_make_no_circle() -> None:
    assert [*TopologicalSorter(MAY_IMPORT).static_order()]


@pytest.mark.parametrize("function", PACKED)
def test_a_function_imports_only_what_it_packs(function: str) -> None:
    folder = ROOT / "functions" / function
    assert {path.name for path in folder.iterdir() if path.is_symlink()} == PACKED[function]
    wrong = [
        f"{path.name} imports {name}"
        for path in sources(f"functions/{function}")
        for name in imported(path)
        if name.split(".")[0] not in PACKED[function]
    ]
    assert not wrong


def test_every_function_is_looked_at() -> None:
    folders = {path.name for path in (ROOT / "functions").iterdir() if (path / "app.py").exists()}
    assert folders == {*PACKED}


def test_a_container_program_knows_nothing_of_the_rest() -> None:
    programs = sorted((ROOT / "training" / "algorithms").rglob("*.py"))
    assert programs
    assert not [f"{path.name} imports {name}" for path in programs for name in imported(path)]


def test_contracts_import_the_standard_library_and_numpy_alone() -> None:
    known = {*sys.stdlib_module_names, "numpy", "contracts"}
    nodes = [node for path in sources("contracts") for node in ast.walk(ast.parse(path.read_text()))]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    whole = {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in plain | whole} <= known


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: {*imported(path)} & {*MODULES} - {name} for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_monitoring_goes_from_capture_to_quality_to_drift_to_report() -> None:
    wrong = [
        f"{module_of(path)} imports {name}"
        for path in sources("monitoring")
        for name in imported(path)
        if _rank(name) > _rank(module_of(path))
    ]
    assert not wrong


def _rank(module: str) -> int:
    """The place of a module's subpackage in MONITORING; -1 for what is below all of them."""
    parts = module.split(".")
    return MONITORING.index(parts[1]) if parts[0] == "monitoring" and parts[1:2] and parts[1] in MONITORING else -1


def test_no_module_is_long_and_half_of_them_are_short() -> None:
    paths = [path for folder in (*MAY_IMPORT, "functions", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    own = [path for path in paths if not _linked(path) and path.name != "__init__.py"]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in own}
    assert not {path: length for path, length in lengths.items() if length > LONGEST}
    assert median(lengths.values()) <= MEDIAN
