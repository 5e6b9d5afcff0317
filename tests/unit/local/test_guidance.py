"""What a newcomer reads: the first answer explained, and commands that work where they are copied to."""

from dataclasses import replace
from pathlib import Path

import pytest

from contracts.answer import Answer
from local import guidance

ANSWER = Answer((0.04, 0.96), ("bicycle", "motorcycle"), "r", 0.9, 0.3, 0.05)
PLAIN = Answer((0.96, 0.04), ("bicycle", "motorcycle"))


@pytest.mark.parametrize(
    ("answer", "threshold", "said"),
    [
        (ANSWER, 0.9, "The workflow accepts answers from a confidence of 0.9 and a familiarity of 0.05: nobody has to"),
        (ANSWER, 0.96, "The workflow accepts answers from a confidence of 0.96"),
        (ANSWER, 0.97, "The workflow sends it to a person, as its confidence is below 0.97."),
        (ANSWER, None, "as no confidence of this model is high enough to keep the error that is tolerated."),
        (replace(ANSWER, familiarity=0.04), 0.9, "as its familiarity is below 0.05: the image is unlike those that"),
        (PLAIN, 0.9, "The workflow accepts answers from a confidence of 0.9: nobody has to look at it."),
    ],
)
def test_the_decision_on_the_first_answer_is_said_with_its_reason(
    answer: Answer, threshold: float | None, said: str
) -> None:
    assert said in guidance.explain("0.png", "bicycle", answer, threshold)[1]


def test_the_first_answer_is_said_with_the_image_and_the_truth() -> None:
    assert guidance.explain("0.png", "bicycle", ANSWER, 0.9)[0] == (
        "  0.png shows bicycle. The model answers motorcycle, which is wrong, with a confidence of 0.960 and a "
        "familiarity of 0.30."
    )
    assert guidance.explain("0.png", "bicycle", PLAIN, 0.9)[0].endswith(
        "bicycle, which is right, with a confidence of 0.960."
    )


def test_the_command_is_named_as_the_shell_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "with space/bin/workflow"
    command.parent.mkdir(parents=True)
    command.touch(0o755)
    monkeypatch.setattr("sys.executable", str(command.with_name("python")))
    monkeypatch.setenv("PATH", "/usr/bin")
    assert guidance.workflow_command() == f"'{command}'"
    monkeypatch.chdir(tmp_path)
    assert guidance.workflow_command() == "'with space/bin/workflow'"
    monkeypatch.setenv("PATH", str(command.parent))
    assert guidance.workflow_command() == "workflow"


def test_the_next_steps_are_commands_to_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.guidance.workflow_command", lambda: "workflow")
    commands = [line.strip() for line in guidance.next_steps(Path("my out/state")) if line.startswith("  ")]
    assert commands == ["workflow local --state 'my out/state'", "source 'my out/state/activate'", "workflow status"]
