from pathlib import Path

import pytest

from local.template import Template, TemplateError, substitute
from tests.conftest import ROOT

BODY = """
Parameters:
  Size: {Type: Number, Default: 32}
  Bucket: {Type: String}
Globals:
  Function:
    Handler: app.handler
    Timeout: 7
    Environment: {Variables: {SHARED: yes-please}}
Resources:
  First:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/first/
      MemorySize: 256
      Environment:
        Variables:
          SIZE: !Ref Size
          QUEUE: !Ref Queue
          WHERE: !Sub "${Bucket}/${AWS::Region}/${Queue.QueueName}/${!Literal}"
  Second:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/second/, Timeout: 3}
  Queue: {Type: AWS::SQS::Queue}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      Type: EXPRESS
      DefinitionUri: machine.asl.json
      DefinitionSubstitutions: {Arn: !GetAtt First.Arn}
"""


def attributes(name: str, attribute: str) -> str | None:
    return {("Queue", "Ref"): "http://queue", ("Queue", "QueueName"): "queue"}.get((name, attribute))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "machine.asl.json").write_text('{"Resource": "${Arn}"}')
    (tmp_path / "template.yaml").write_text(BODY)
    return tmp_path / "template.yaml"


def test_a_functions_environment_is_the_globals_and_its_own(path: Path) -> None:
    first, second = Template(path, {"Bucket": "b"}, "eu-west-1", attributes).functions()
    assert first.environment == {
        "SHARED": "yes-please",
        "SIZE": "32",
        "QUEUE": "http://queue",
        "WHERE": "b/eu-west-1/queue/${!Literal}",
    }
    assert second.environment == {"SHARED": "yes-please"}
    assert (first.timeout, second.timeout, first.memory, second.memory) == (7, 3, 256, 128)
    assert first.code == path.parent / "functions/first"


def test_a_given_parameter_replaces_the_default(path: Path) -> None:
    first, _ = Template(path, {"Bucket": "b", "Size": "64"}, "eu-west-1", attributes).functions()
    assert first.environment["SIZE"] == "64"


def test_a_state_machine_has_its_substitutions_made(path: Path) -> None:
    (machine,) = Template(path, {"Bucket": "b"}, "eu-west-1", attributes).state_machines()
    assert machine.type == "EXPRESS"
    assert machine.definition == '{"Resource": "arn:aws:lambda:eu-west-1:123456789012:function:First"}'


def test_an_unknown_parameter_is_refused_with_those_that_exist(path: Path) -> None:
    with pytest.raises(TemplateError, match="no parameter Colour; it has Size, Bucket"):
        Template(path, {"Bucket": "b", "Colour": "red"}, "eu-west-1")


def test_a_parameter_without_a_value_is_named(path: Path) -> None:
    with pytest.raises(TemplateError, match="needs a value for Bucket"):
        Template(path, {}, "eu-west-1")


def test_a_reference_that_the_stack_cannot_answer_is_named(path: Path) -> None:
    with pytest.raises(TemplateError, match="no Ref of Queue"):
        Template(path, {"Bucket": "b"}, "eu-west-1").functions()


def test_a_definition_with_an_unknown_substitution_is_refused() -> None:
    with pytest.raises(TemplateError, match="needs a value for Missing"):
        substitute('"${Missing}"', {})


def test_an_alias_of_a_function_is_its_arn_with_the_name_that_the_template_publishes(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        """
Globals: {Function: {AutoPublishAlias: live}}
Resources:
  First: {Type: AWS::Serverless::Function}
  Second: {Type: AWS::Serverless::Function, Properties: {AutoPublishAlias: next}}
  Rule:
    Type: AWS::Events::Rule
    Properties: {Targets: [!Ref First.Alias, !Ref Second.Alias, !Ref AWS::StackName]}
"""
    )
    arn = "arn:aws:lambda:eu-west-1:123456789012:function"
    targets = Template(path, {}, "eu-west-1").rules()["Rule"]["Targets"]
    assert targets == [f"{arn}:First:live", f"{arn}:Second:next", "image-classification"]


CONDITIONS = """
Parameters:
  Check: {Type: String, Default: "off"}
  Bound: {Type: Number, Default: 0}
Conditions:
  Checks: !Equals [!Ref Check, "on"]
  Bounded: !Not [!Equals [!Ref Bound, 0]]
  Both: !And [!Condition Checks, !Condition Bounded]
  Either: !Or [!Condition Checks, !Condition Bounded]
Resources:
  Always: {Type: AWS::SQS::Queue}
  Checked: {Type: AWS::SQS::Queue, Condition: Checks}
  Bounded: {Type: AWS::SQS::Queue, Condition: Bounded}
  Both: {Type: AWS::SQS::Queue, Condition: Both}
  Either: {Type: AWS::SQS::Queue, Condition: Either}
"""


@pytest.mark.parametrize(
    ("parameters", "made"),
    [
        ({}, {"Always"}),
        ({"Check": "on"}, {"Always", "Checked", "Either"}),
        ({"Check": "ON"}, {"Always"}),
        ({"Bound": "1"}, {"Always", "Bounded", "Either"}),
        ({"Check": "on", "Bound": "1"}, {"Always", "Checked", "Bounded", "Both", "Either"}),
    ],
)
def test_a_resource_whose_condition_is_false_is_not_there(
    tmp_path: Path, parameters: dict[str, str], made: set[str]
) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(CONDITIONS)
    assert set(Template(path, parameters, "eu-west-1").resources("AWS::SQS::Queue")) == made


@pytest.mark.parametrize(("check", "resolved"), [("on", {"a": [1, 2], "b": 3}), ("off", {"a": [1]})])
def test_a_value_is_chosen_by_its_condition_and_no_value_leaves_its_place(
    tmp_path: Path, check: str, resolved: dict[str, object]
) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(CONDITIONS)
    none = {"Ref": "AWS::NoValue"}
    node = {"a": [1, {"Fn::If": ["Checks", 2, none]}], "b": {"Fn::If": ["Checks", 3, none]}}
    assert Template(path, {"Check": check}, "eu-west-1").resolve(node) == resolved


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ("{}", "no condition Checks"),
        ('{Checks: {"Fn::Contains": [[a], a]}}', "doesn't support the condition Fn::Contains"),
    ],
)
def test_a_condition_that_cannot_be_answered_is_named(tmp_path: Path, conditions: str, said: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(f"Conditions: {conditions}\nResources: {{Queue: {{Type: AWS::SQS::Queue, Condition: Checks}}}}\n")
    with pytest.raises(TemplateError, match=said):
        Template(path, {}, "eu-west-1").resources("AWS::SQS::Queue")


def test_the_local_stack_runs_the_drift_check_only_where_it_is_switched_on() -> None:
    def functions(**parameters: str) -> set[str]:
        given = {"DataBucketName": "b"} | parameters
        return {spec.name for spec in Template(ROOT / "template.yaml", given, "us-east-1", attributes).functions()}

    usual = {"SerializeFunction", "ClassifyFunction", "ThresholdFunction"}
    assert functions() == usual
    assert functions(DriftCheck="on") == usual | {"DriftFunction"}
