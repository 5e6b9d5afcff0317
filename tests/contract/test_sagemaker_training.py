"""Training jobs, from the verb to the container and back, on the local stack."""

import os
import signal
import subprocess
import sys
import threading
import zlib
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from contracts.addresses import S3Address
from local import stack
from tests.unit.training.samples import record
from tests.waiting import LONGEST_SECONDS, wait_until
from training import train
from training.errors import JobError, ModelRecordError
from training.model import JOB_FILE, MODEL_FILE, Job, Model
from training.sagemaker.progress import Log
from training.sagemaker.request import TrainingOptions

DATASET = record("tiny", train=1, test=1)


@pytest.fixture
def local(programs: stack.Running) -> stack.Running:
    """A stack whose bucket holds the data set."""
    s3 = boto3.client("s3")
    for name in ("train/a.png", "test/a.png", "train.lst", "test.lst"):
        s3.put_object(Bucket=stack.BUCKET, Key=f"{DATASET.folder}/{name}", Body=b"content")
    return programs


def run(out: Path, *, role_arn: str = stack.ROLE_ARN, bucket: str = stack.BUCKET, **options: Any) -> Model:
    return train.train(DATASET, bucket=bucket, role_arn=role_arn, out=out, options=TrainingOptions(**options))


def describe(job: str) -> Any:
    return boto3.client("sagemaker").describe_training_job(TrainingJobName=job)


def started_job(out: Path) -> str:
    """Return the name of the job whose record appears in `out`, once it trains."""

    def trains() -> bool:
        try:
            return bool(describe(Job.read(out / JOB_FILE).training_job)["SecondaryStatus"] == "Training")
        except (ModelRecordError, ClientError):
            return False

    wait_until(trains)
    return Job.read(out / JOB_FILE).training_job


def wait_until_logged(job: str, word: str) -> None:
    """Wait until a job has logged a line with a word."""
    logs = boto3.client("logs")
    wait_until(lambda: any(word in line for line in Log(job, logs).new_lines()))


@pytest.mark.usefixtures("local")
def test_a_job_ends_with_a_record_that_leads_back_to_the_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = run(tmp_path)
    assert model == Model.read(tmp_path / MODEL_FILE)
    assert (model.dataset, model.dataset_sha256, model.labels) == (DATASET.name, DATASET.sha256, DATASET.classes)
    assert model.metrics == {"train:accuracy": 0.75, "validation:accuracy": 0.5}
    artifact = S3Address.parse(model.artifact)
    assert boto3.client("s3").head_object(Bucket=artifact.bucket, Key=artifact.key)["ContentLength"] > 0
    assert describe(model.training_job)["HyperParameters"]["dataset_sha256"] == DATASET.sha256
    assert "starts at step 0" in capsys.readouterr().out


@pytest.mark.usefixtures("local")
def test_every_line_of_the_log_is_shown_once_and_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, hyperparameters={"steps": "40", "pause": "0.02"})
    epochs = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Epoch[")]
    assert epochs == [f"Epoch[{step}] train-accuracy=0.75 validation-accuracy=0.50" for step in range(40)]


@pytest.mark.usefixtures("local")
def test_a_jobs_variables_reach_its_program_and_keys_never_leave_its_folder(request: pytest.FixtureRequest) -> None:
    sagemaker, job = boto3.client("sagemaker"), f"job{zlib.crc32(request.node.name.encode())}"
    source: Any = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{stack.BUCKET}/{DATASET.folder}/train/"}}
    asked: dict[str, Any] = {
        "RoleArn": stack.ROLE_ARN,
        "AlgorithmSpecification": {"TrainingImage": "mirror_ridge", "TrainingInputMode": "File"},
        "InputDataConfig": [{"ChannelName": "train", "DataSource": source}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{stack.BUCKET}/models"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "Environment": {"GREETING": "good morning"},
    }
    sagemaker.create_training_job(TrainingJobName=job, **asked)
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName=job, WaiterConfig={"Delay": 1})
    wait_until_logged(job, "good morning")
    asked["InputDataConfig"][0]["ChannelName"] = ".."
    sagemaker.create_training_job(TrainingJobName=f"{job}-out", **asked)
    wait_until(lambda: describe(f"{job}-out")["TrainingJobStatus"] == "Failed")
    assert describe(f"{job}-out")["FailureReason"].startswith("ClientError: '..' can't be the name of a file")


@pytest.mark.usefixtures("local")
def test_a_failed_job_gives_its_own_reason_and_no_model(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="AlgorithmError: the images are all black, exit code: 3"):
        run(tmp_path, hyperparameters={"failure": "the images are all black"})
    assert not (tmp_path / MODEL_FILE).exists()


@pytest.mark.usefixtures("local")
@pytest.mark.drill("Faults of the system")
def test_a_job_that_runs_too_long_is_stopped_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="Stopped: MaxRuntimeExceeded; give it more time"):
        run(tmp_path, max_run=1, hyperparameters={"steps": "1000", "pause": "0.05"})


@pytest.mark.usefixtures("local")
def test_a_job_that_somebody_stops_ends_as_stopped(tmp_path: Path) -> None:
    def stop() -> None:
        boto3.client("sagemaker").stop_training_job(TrainingJobName=started_job(tmp_path))

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(JobError, match="ended as Stopped"):
        run(tmp_path, hyperparameters={"steps": "1000", "pause": "0.05"})
    stopper.join()


@pytest.mark.drill("Interruptions")
def test_a_spot_job_goes_on_from_its_checkpoint_after_an_interruption(
    local: stack.Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resumes = tmp_path / "resumes"

    def interrupt() -> None:
        job = started_job(tmp_path)
        wait_until_logged(job, "Epoch[0]")
        local.interrupt_spot(job)
        resumes.touch()

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    model = run(tmp_path, spot=True, hyperparameters={"steps": "3", "until": str(resumes)})
    interrupter.join()
    starts = [line for line in capsys.readouterr().out.splitlines() if line.startswith("starts at step")]
    assert starts == ["starts at step 0", "starts at step 1"]
    statuses = [step["Status"] for step in describe(model.training_job)["SecondaryStatusTransitions"]]
    assert statuses.count("Interrupted") == 1
    assert statuses.count("Training") == 2
    assert statuses[-1] == "Completed"


@pytest.mark.usefixtures("local")
@pytest.mark.drill("Interruptions")
def test_watching_goes_on_after_ctrl_c_while_the_job_ran_on(tmp_path: Path) -> None:
    code = (
        "import signal, sys; from pathlib import Path; from training import train;"
        # Whatever runs in the background of a shell would ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from tests.contract.test_sagemaker_training import run;"
        "run(Path(sys.argv[1]), hyperparameters={'steps': '3', 'until': sys.argv[2]})"
    )
    seen = tmp_path / "seen"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), str(seen)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watcher:
        try:
            job = started_job(tmp_path)
            assert watcher.stdout is not None
            assert any("Epoch" in line for line in watcher.stdout)
            watcher.send_signal(signal.SIGINT)
            said = watcher.communicate(timeout=LONGEST_SECONDS)[1]
        finally:
            watcher.kill()
    seen.touch()
    assert "keeps running; `workflow train --resume`" in said
    assert not (tmp_path / MODEL_FILE).exists()
    model = train.resume(tmp_path)
    assert model.training_job == job
    assert model == train.resume(tmp_path)


def test_without_a_job_there_is_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(ModelRecordError):
        train.resume(tmp_path)


@pytest.mark.usefixtures("local")
@pytest.mark.parametrize("preset", ["scratch-32", "transfer-224"])
def test_the_built_in_algorithm_trains_only_on_aws(tmp_path: Path, preset: str) -> None:
    with pytest.raises(ClientError, match="trains and serves only on AWS"):
        train.train(DATASET, bucket=stack.BUCKET, role_arn=stack.ROLE_ARN, out=tmp_path, algorithm=preset)


@pytest.mark.usefixtures("local")
def test_a_role_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="Could not assume role"):
        run(tmp_path, role_arn="arn:aws:iam::123456789012:role/nobody")


@pytest.mark.usefixtures("local")
def test_an_instance_without_quota_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="account-level service limit") as caught:
        run(tmp_path, instance_type="ml.p3.2xlarge")
    assert caught.value.response["Error"]["Code"] == "ResourceLimitExceeded"


@pytest.mark.usefixtures("local")
def test_a_bucket_that_does_not_exist_fails_the_job_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"NoSuchBucket.*--bucket"):
        run(tmp_path, bucket="no-such-bucket")


@pytest.mark.usefixtures("local")
@pytest.mark.parametrize("role", ["", "role/x", "arn:aws:iam::123:role/x", "arn:aws:iam::123456789012:user/x"])
def test_what_is_no_role_is_refused_before_anything_is_sent(tmp_path: Path, role: str) -> None:
    with pytest.raises(JobError, match="is not the ARN of a role"):
        run(tmp_path, role_arn=role)
    assert not os.listdir(tmp_path)  # noqa: PTH208 - whether there is anything is all that matters
