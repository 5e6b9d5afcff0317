import pytest

from tests.mutants.judge import Accepted, Result, Survivor, judge

FEWER = Survivor("a.x_f__mutmut_1", "a.py", "if n < 2:", "if n <= 2:")
QUERY = Survivor("a.x_g__mutmut_1", "a.py", 'run("SELECT 1")', 'run("select 1")')


def survivors(count: int) -> list[Survivor]:
    return [Survivor(f"a.x_f__mutmut_{number}", "a.py", "n = 1", f"n = {number}") for number in range(count)]


def accepting(found: list[Survivor]) -> list[Accepted]:
    return [Accepted(one.module, one.before, "It is harmless.", [one.after]) for one in found]


def test_a_module_whose_mutants_are_killed_has_no_faults() -> None:
    table, faults = judge([Result("a.py", 20, [])], [], whole=True)
    assert table[1].split() == ["a.py", "20", "20", "0", "0", "100.0%"]
    assert faults == []


def test_a_survivor_that_nobody_accepted_is_a_fault_with_its_change() -> None:
    _, [fault] = judge([Result("a.py", 20, [FEWER])], [], whole=True)
    assert fault.split("\n") == ["", "a.x_f__mutmut_1", "  - if n < 2:", "  + if n <= 2:"]


@pytest.mark.parametrize(("count", "faults"), [(2, 0), (3, 1)])
def test_a_module_needs_nine_in_ten_killed_whatever_is_accepted(count: int, faults: int) -> None:
    found = survivors(count)
    table, said = judge([Result("a.py", 20, found)], accepting(found), whole=True)
    assert len(said) == faults
    assert all("fewer than 90%" in one for one in said)
    assert table[1].split()[3:5] == [str(count), "0"]


def test_an_entry_accepts_some_changes_of_a_line_or_all_of_its_case() -> None:
    assert Accepted("a.py", "n < 2", "", ["if n < 3:", "if n <= 2:"]).covers(FEWER)
    assert not Accepted("b.py", "n < 2", "", ["if n <= 2:"]).covers(FEWER)
    assert not Accepted("a.py", "n < 2", "", ["if n < 3:"]).covers(FEWER)
    assert not Accepted("a.py", "n > 2", "", ["if n <= 2:"]).covers(FEWER)
    assert Accepted("a.py", "SELECT", "").covers(QUERY)
    assert not Accepted("a.py", "n < 2", "").covers(FEWER)


def test_an_entry_that_accepts_nothing_is_a_fault_where_all_mutants_ran() -> None:
    unused = accepting([FEWER])
    assert len(judge([Result("a.py", 20, [])], unused, whole=True)[1]) == 1
    assert judge([Result("a.py", 20, [])], unused, whole=False)[1] == []
