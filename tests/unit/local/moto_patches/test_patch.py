"""A patch is applied once, and only to the function that it was written for."""

import hashlib
import inspect
from collections.abc import Callable
from types import ModuleType

import pytest

from local.moto_patches.patch import MotoChanged, Patch, replace_in_modules


class Original:
    def method(self) -> str:
        return "original"

    @staticmethod
    def function() -> str:
        return "original"

    @classmethod
    def of_class(cls) -> str:
        return f"original of {cls.__name__}"


def digest(name: str) -> str:
    source = inspect.getsource(getattr(Original, name))
    return hashlib.sha256(source.encode()).hexdigest()[:12]


def patched(original: Callable[..., str]) -> Callable[..., str]:
    return lambda *given: f"patched {original(*given)}"


def patched_again(original: Callable[..., str]) -> Callable[..., str]:
    return lambda *given: f"again {original(*given)}"


def test_a_second_application_changes_nothing() -> None:
    patch = Patch(Original, "method", digest("method"), patched)
    patch.apply()
    patch.apply()
    assert Original().method() == "patched original"


def test_two_patches_of_one_static_function_follow_each_other() -> None:
    name = digest("function")
    Patch(Original, "function", name, patched).apply()
    Patch(Original, "function", name, patched_again).apply()
    assert Original.function() == Original().function() == "again patched original"


def test_a_function_that_has_changed_is_refused_with_its_name_and_left_as_it_is() -> None:
    with pytest.raises(MotoChanged, match=r"The patch patched wasn't written for Original\.of_class of moto \d"):
        Patch(Original, "of_class", "0" * 12, patched).apply()
    assert Original.of_class() == "original of Original"


def test_a_function_that_is_gone_is_refused() -> None:
    with pytest.raises(MotoChanged, match=r"Original\.gone"):
        Patch(Original, "gone", "0" * 12, patched).apply()


def test_a_name_is_replaced_in_each_module_that_has_the_expected_object() -> None:
    module, other = ModuleType("first"), ModuleType("second")
    vars(module)["name"] = vars(other)["name"] = original = object()
    for _ in range(2):
        replace_in_modules((module, other), "name", original, 1)
    assert (vars(module)["name"], vars(other)["name"]) == (1, 1)


def test_a_module_that_has_another_object_under_the_name_is_refused() -> None:
    module = ModuleType("third")
    vars(module)["name"] = "unexpected"
    with pytest.raises(MotoChanged, match=r"third\.name"):
        replace_in_modules((module,), "name", "expected", 1)
    assert vars(module)["name"] == "unexpected"
