"""How each verb is called where it works, where its input is wrong, and where there is no stack."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A verb's words; `{out}` in them is a folder of results, `{new}` one that isn't there, and `{manifest}` is in S3.

    Attributes:
        verb: its name
        works: words with which it does its work at once; None where another test does that, which `elsewhere` names
        wrong: words that it refuses
        says: part of what it then says, in one line
        codes: exit codes of `works`
        setting: the option by which it asks for what a missing stack would have told; empty where it needs none
        needs_stack: whether it needs an account or a local stack
        stackless: words where there is no stack; by default those of `works`
        reports: whether it has `--json`
        lines: whether `--json` prints an object a line
    """

    verb: str
    works: tuple[str, ...] | None
    wrong: tuple[str, ...]
    says: str
    codes: tuple[int, ...] = (0,)
    setting: str = ""
    needs_stack: bool = True
    stackless: tuple[str, ...] | None = None
    reports: bool = True
    lines: bool = False
    elsewhere: str = ""


OWN = ("--dataset", "{out}/own")
NOWHERE = ("--out", "{out}/nowhere")
TABLE = (
    Row(
        "stage",
        (*OWN, "--no-upload"),
        ("--no-upload", "--dataset", "nowhere"),
        "nowhere",
        stackless=OWN,
        setting="bucket",
    ),
    Row("init", ("{out}/own",), ("nowhere",), "nowhere", codes=(0, 1), needs_stack=False),
    Row("explore", ("--name", "small"), ("--name", "never"), "stage it first", needs_stack=False),
    Row("train", ("--resume",), ("--max-error", "2"), "'--max-error'", stackless=(), setting="bucket"),
    Row("build-image", ("--no-push",), ("none",), "'none'", needs_stack=False),
    Row("compare", ("{out}", "{out}"), ("{out}", "{out}/nowhere"), "nowhere"),
    Row("register", (), NOWHERE, "model.json"),
    Row("approve", (), ("70",), "no version 70"),
    Row("deploy", ("--yes",), ("--endpoint", "a_b", "--yes"), "'a_b'", setting="bucket"),
    Row("teardown", ("--dry-run",), ("--endpoint", "a_b"), "'a_b'"),
    Row("predict", ("{out}/own/cat/0.png",), ("nowhere.png",), "nowhere.png", lines=True),
    Row("evaluate", ("--name", "small"), ("--max-error", "nan"), "'--max-error'", setting="bucket"),
    Row("cases", ("--name", "small", "--images", "2"), ("--images", "0"), "'--images'", setting="bucket"),
    Row("run", (), NOWHERE, "`workflow cases`", setting="state-machine"),
    Row("report", (), ("--threshold", "nan"), "'--threshold'", setting="bucket"),
    Row("capture", ("--since", "1h"), ("--since", "soon"), "soon", setting="bucket"),
    Row("baseline", (), NOWHERE, "`workflow evaluate`", setting="bucket"),
    Row("drift", ("--since", "1h"), ("--from", "soon"), "soon", setting="bucket"),
    Row("batch", ("--manifest", "{manifest}"), ("--prefix", "nowhere/"), "nowhere/", setting="state-machine"),
    Row("redrive", ("--since", "1h"), ("--limit", "0"), "'--limit'", setting="queue"),
    Row("review", ("--export", "{new}"), ("--json",), "--export or --import", setting="bucket"),
    Row("quality", (), ("--max-error", "0"), "'--max-error'", setting="bucket"),
    Row("improve", None, NOWHERE, "model.json", setting="bucket", elsewhere="tests/workflow/test_improve.py"),
    Row("status", (), ("--every", "0"), "'--every'", codes=(0, 1), needs_stack=False),
    Row("doctor", (), ("--memory", "1"), "--memory", codes=(0, 1), needs_stack=False),
    Row("costs", (), ("--images-a-day", "0"), "must be 1 or more", needs_stack=False),
    Row(
        "demo",
        None,
        ("--max-error", "0"),
        "'--max-error'",
        needs_stack=False,
        elsewhere="tests/workflow/test_demo.py",
    ),
    # It prints variables to export, and serves.
    Row(
        "local",
        None,
        ("--threshold", "nan"),
        "'--threshold'",
        needs_stack=False,
        reports=False,
        elsewhere="tests/contract/test_foreground.py",
    ),
)

# More of what users get wrong: the words, and part of the line.
MISTAKES = (
    (("stage", "--dataset", "{out}/own", "--bucket", "nowhere"), "there is no bucket 'nowhere'"),
    (("stage", "--dataset", "{out}/own", "--bucket", "No Where"), "can't name a bucket"),
    (("stage", "--dataset", "{out}/own", "--no-upload", "--out", "{file}"), "a folder is needed"),
    (("train", "--name", "never"), "stage it first"),
    (("train", "--features", "none"), "'--features': 'none' is not one of 'backbone', 'scattering'"),
    (("predict", "{out}/own", "--endpoint", "nowhere"), "`workflow deploy`, or name another with --endpoint"),
    (("predict", "s3://workflow-data/nowhere.png"), "There is no object s3://workflow-data/nowhere.png"),
    (("evaluate", "--name", "small", "--endpoint", "nowhere"), "There is no endpoint nowhere"),
    (("cases", "--name", "never"), "stage the data set first"),
    (("batch", "--manifest", "s3://workflow-data/nowhere.csv"), "does not exist (NoSuchKey)"),
    (("redrive", "--queue", "http://127.0.0.1/1/nowhere"), "Name a queue that exists"),
    (("report", "--review-limit", "nan"), "'--review-limit'"),
    (("deploy", "--canary", "51"), "'--canary'"),
    (("deploy", "--yes", "--out", "{broken}"), "model.json is not the record that `train` writes (it is not UTF-8"),
    (("run", "--out", "{broken}"), "cases.jsonl does not hold cases (it is not UTF-8 text); make it again"),
)
