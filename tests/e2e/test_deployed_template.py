"""The template deployed to an AWS emulator that nobody here wrote, with its evaluation of IAM policies switched on.

The functions are the built artefacts, each under its own role; people are the command line under the operator's
role. What the emulator cannot take is taken out by ``adapt``, item by item; docs/deploy.md ("What no test covers")
lists the same items.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import wave
import zipfile
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from bench.synth import render
from botocore.exceptions import ClientError
from cfnlint.decode import decode

from host_build import host_artefacts

ROOT = Path(__file__).resolve().parents[2]
EMULATOR = ROOT / ".venv-deploy/emulator/bin/python"
TRANSLATOR = ROOT / ".venv-deploy/bin/python"
ACCOUNT = "111111111111"
REGION = "ap-northeast-2"
STACK = "rightscan-test"
ARTEFACTS = "artefacts"
QUEUES = ("Ingest", "Backfill", "Scan", "ScanBackfill", "Match", "MatchBackfill", "Register", "Report")
RATE = 22050

pytestmark = [
    pytest.mark.deploy,
    pytest.mark.skipif(
        not (EMULATOR.exists() and TRANSLATOR.exists()),
        reason="needs the deployment tools: make setup-deploy",
    ),
]


# ---- the template as the emulator takes it ------------------------------------------------------------------
def adapt(document: dict[str, Any]) -> dict[str, Any]:
    """The template with what the emulator cannot take left out or said otherwise."""
    document = json.loads(json.dumps(document))
    parameters = document["Parameters"]
    resources = document["Resources"]
    for name, resource in list(resources.items()):
        properties = resource.get("Properties", {})
        # It knows no archives, and no alarms over several metrics.
        if resource["Type"] == "AWS::Events::Archive" or "Metrics" in properties:
            del resources[name]
        # It speaks plain HTTP here and heeds a policy that refuses it.
        if "PolicyDocument" in properties:
            statements = properties["PolicyDocument"]["Statement"]
            properties["PolicyDocument"]["Statement"] = [s for s in statements if s.get("Sid") != "TlsOnly"]
            if not properties["PolicyDocument"]["Statement"]:
                del resources[name]
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            del resource["Metadata"]
            properties["ContentUri"] = {"Bucket": ARTEFACTS, "Key": f"{name}.zip"}
        if resource["Type"] == "AWS::Serverless::Function":
            del resource["Metadata"]
            # An image would need Docker: a loader of a few lines runs the image's folder instead.
            if properties.pop("PackageType", "Zip") == "Image":
                del properties["ImageConfig"]
                properties |= {"Runtime": "python3.13", "Handler": "app.handler"}
            properties["CodeUri"] = {"Bucket": ARTEFACTS, "Key": f"{name}.zip"}
    return numbered(document, parameters)


def numbered(value: Any, parameters: dict[str, Any]) -> Any:
    """``value`` with number parameters as numbers: the emulator passes them on as text and stumbles over it."""
    if isinstance(value, dict):
        parameter = parameters.get(value.get("Ref")) if set(value) == {"Ref"} else None
        if parameter is not None and parameter["Type"] == "Number":
            return parameter["Default"]
        return {key: numbered(part, parameters) for key, part in value.items()}
    return [numbered(part, parameters) for part in value] if isinstance(value, list) else value


def translate(document: dict[str, Any]) -> dict[str, Any]:
    """What CloudFormation makes of a SAM template, by AWS's own translator."""
    program = (
        "import json, sys; from samtranslator.translator.transform import transform\n"
        "class NoPolicies:\n    def load(self): return {}\n"
        f"print(json.dumps(transform(json.load(sys.stdin), {{'AWS::Region': {REGION!r}}}, NoPolicies())))"
    )
    done = subprocess.run(
        [TRANSLATOR, "-c", program],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        env={"AWS_DEFAULT_REGION": REGION, "PATH": os.environ["PATH"]},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# ---- artefacts ----------------------------------------------------------------------------------------------
def zipped(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return packed.getvalue()


def loader(folder: Path) -> bytes:
    """A function that runs what an image holds, where it lies."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(
            "app.py",
            "import importlib.util, sys\n"
            f"sys.path.insert(0, {str(folder)!r})\n"
            f"spec = importlib.util.spec_from_file_location('image_app', {str(folder / 'app.py')!r})\n"
            "module = importlib.util.module_from_spec(spec)\n"
            "spec.loader.exec_module(module)\n"
            "handler = module.handler\n",
        )
    return packed.getvalue()


# ---- the emulator -------------------------------------------------------------------------------------------
class Cloud:
    """The running emulator."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def client(self, service: str, credentials: dict[str, str] | None = None) -> Any:
        """A client for the account's root, or for a role's session."""
        keys = credentials or {"AccessKeyId": ACCOUNT, "SecretAccessKey": "test"}
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
        )


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    folder = tmp_path_factory.mktemp("emulator")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "AUTH": "true",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [EMULATOR, "-m", "ministack"], env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            endpoint = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 60
            while not healthy(endpoint):
                assert process.poll() is None, (folder / "log").read_text()[-2000:]
                assert time.monotonic() < deadline, "the emulator did not start"
                time.sleep(0.2)
            yield Cloud(endpoint)
        finally:
            # The functions' processes are the emulator's children.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)


def healthy(endpoint: str) -> bool:
    with (
        contextlib.suppress(OSError),
        urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2) as answer,
    ):
        return answer.status == 200
    return False


@pytest.fixture(scope="module")
def stack(cloud):
    """The deployed stack's outputs."""
    artefacts = host_artefacts()
    document, problems = decode(str(ROOT / "template.yaml"))
    assert not problems
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=ARTEFACTS, CreateBucketConfiguration={"LocationConstraint": REGION})
    for name, resource in document["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            folder = artefacts / name.removesuffix("Function").lower()
            image = resource["Properties"].get("PackageType") == "Image"
            s3.put_object(
                Bucket=ARTEFACTS, Key=f"{name}.zip", Body=loader(folder) if image else zipped(folder)
            )
    s3.put_object(Bucket=ARTEFACTS, Key="CoreLayer.zip", Body=zipped(artefacts / "core"))
    s3.put_object(Bucket=ARTEFACTS, Key="template.json", Body=json.dumps(translate(adapt(document))))
    formation = cloud.client("cloudformation")
    formation.create_stack(
        StackName=STACK,
        TemplateURL=f"{cloud.endpoint}/{ARTEFACTS}/template.json",
        Parameters=[{"ParameterKey": "AlarmEmail", "ParameterValue": "nobody@example.org"}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    deadline = time.monotonic() + 120
    while (found := formation.describe_stacks(StackName=STACK)["Stacks"][0])["StackStatus"].endswith(
        "IN_PROGRESS"
    ):
        assert time.monotonic() < deadline, found["StackStatus"]
        time.sleep(0.5)
    failed = [
        (event["LogicalResourceId"], event.get("ResourceStatusReason"))
        for event in formation.describe_stack_events(StackName=STACK)["StackEvents"]
        if event["ResourceStatus"].endswith("FAILED")
    ]
    assert found["StackStatus"] == "CREATE_COMPLETE", failed
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


@pytest.fixture(scope="module")
def operator(cloud, stack):
    """The operator role's session."""
    return cloud.client("sts").assume_role(RoleArn=stack["OperatorRole"], RoleSessionName="test")[
        "Credentials"
    ]


@pytest.fixture(scope="module")
def rightscan(cloud, operator):
    """The command line as a person with the operator role runs it; returns its status and JSON lines."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RIGHTSCAN_"))},
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": operator["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": operator["SecretAccessKey"],
        "AWS_SESSION_TOKEN": operator["SessionToken"],
    }

    def run(*arguments: str | Path, timeout_s: float = 240) -> tuple[int, list[dict[str, Any]]]:
        done = subprocess.run(
            [Path(sys.executable).parent / "rightscan", "--aws", "--stack", STACK, "--json", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.stderr == "" or done.returncode != 0, done.stderr
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    return run


# ---- material -----------------------------------------------------------------------------------------------
def write_wav(path: Path, sound: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32767 * 0.9).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    folder = tmp_path_factory.mktemp("material")
    songs = [render(seed, 30.0, sample_rate=RATE).mean(axis=1) for seed in (11, 12)]
    for number, song in enumerate(songs, start=1):
        write_wav(folder / f"{number}.wav", song)
    (folder / "recordings.csv").write_text(
        "recording_id,title,audio,lineup_size\nR1,봄노래,1.wav,1\nR2,가을노래,2.wav,1\n", encoding="utf-8"
    )
    (folder / "performers.csv").write_text("performer_id,name_ko\nP1,김민수\n", encoding="utf-8")
    (folder / "lineups.csv").write_text(
        "recording_id,performer_id,category,role,featured\nR1,P1,가창,가창,Y\n", encoding="utf-8"
    )
    uploads = folder / "uploads"
    uploads.mkdir()
    write_wav(uploads / "방송 1.wav", songs[0][8 * RATE : 23 * RATE])
    write_wav(uploads / "unknown.wav", render(99, 15.0, sample_rate=RATE).mean(axis=1))
    (uploads / "broken.mp3").write_bytes(b"this is no music")
    return folder


@pytest.fixture(scope="module")
def scanned(rightscan, material) -> dict[str, dict]:
    """What came of each upload after the catalogue was registered; one test may run where another did not."""
    status, registered = rightscan("register", material)
    assert status == 0, registered
    status, results = rightscan("scan", material / "uploads")
    assert status == 1, results  # the broken file is named
    return {Path(result["path"]).name: result for result in results}


# ---- what must hold -----------------------------------------------------------------------------------------
def test_the_main_job_runs_under_the_roles_of_the_template(cloud, stack, rightscan, scanned, tmp_path):
    by_name = scanned
    (segment,) = by_name["방송 1.wav"]["segments"]
    assert segment["recording_id"] == "R1"
    assert segment["reference_start"] == pytest.approx(8.0, abs=1.0)
    assert by_name["방송 1.wav"]["findings"][0]["code"] == "U1"
    assert by_name["unknown.wav"]["segments"] == []
    assert by_name["broken.mp3"]["error"]["code"]
    period = by_name["방송 1.wav"]["uses"][0]["period"]
    status, written = rightscan("report", "--period", period, "--out", tmp_path / "report")
    assert status == 0, written
    assert any(path["path"].endswith(".xlsx") for path in written)
    status, letters = rightscan("dlq", "show")
    assert (status, letters) == (0, [])

    # Three files ended: the stream reached the counters.
    deadline = time.monotonic() + 30
    while (counted := counters(cloud, stack)) != 3:
        assert time.monotonic() < deadline, counted
        time.sleep(1)


def counters(cloud: Cloud, stack: dict[str, str]) -> int:
    """The sum of all counters."""
    items = cloud.client("dynamodb").scan(TableName=stack["Table"])["Items"]
    return sum(int(item["added"]["N"]) for item in items if item["kind"]["S"] == "counter")


def test_the_functions_take_from_the_queues_of_backfill_and_send_to_them(cloud, stack, scanned):
    body = json.dumps({"kind": "scan", "media_id": "0" * 64, "origin": "backfill"})
    sqs = cloud.client("sqs")
    sqs.send_message(QueueUrl=stack["ScanBackfillQueue"], MessageBody=body)
    sqs.send_message(QueueUrl=stack["MatchBackfillQueue"], MessageBody=body.replace('"scan"', '"match"'))
    # An upload that is decided already: ingest sends it on to match.
    s3 = cloud.client("s3")
    (upload,) = [
        o for o in s3.list_objects_v2(Bucket=stack["UploadsBucket"])["Contents"] if "unknown" in o["Key"]
    ]
    version = s3.head_object(Bucket=stack["UploadsBucket"], Key=upload["Key"])["VersionId"]
    entity = {
        "bucket": {"name": stack["UploadsBucket"]},
        "object": {"key": upload["Key"], "versionId": version},
    }
    record = {"eventName": "ObjectCreated:Put", "eventTime": "2026-01-01T00:00:00Z", "s3": entity}
    sqs.send_message(QueueUrl=stack["BackfillQueue"], MessageBody=json.dumps({"Records": [record]}))
    deadline = time.monotonic() + 60
    while left := [name for name in QUEUES if messages(sqs, stack[f"{name}Queue"])]:
        assert time.monotonic() < deadline, left
        time.sleep(1)
    assert [name for name in QUEUES if messages(sqs, stack[f"{name}DeadLetterQueue"])] == []


def messages(sqs: Any, url: str) -> int:
    """Those that wait and those in hand."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))["Attributes"]
    return sum(int(found[name]) for name in names)


def test_a_person_writes_and_deletes_no_record(cloud, stack, operator):
    # Pointers may be written, but the emulator tells a policy nothing of the key that a request names.
    table = cloud.client("dynamodb", operator)
    key = {"PK": {"S": "M#test"}, "SK": {"S": "META"}}
    table.get_item(TableName=stack["Table"], Key=key)
    with pytest.raises(ClientError, match="AccessDenied"):
        table.put_item(TableName=stack["Table"], Item={**key, "kind": {"S": "media"}, "version": {"N": "1"}})
    with pytest.raises(ClientError, match="AccessDenied"):
        table.delete_item(TableName=stack["Table"], Key=key)


def test_a_person_deletes_no_upload_and_reads_no_pseudonym_key(cloud, stack, operator):
    cloud.client("s3").put_object(Bucket=stack["UploadsBucket"], Key="folder/", Body=b"")
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.client("s3", operator).delete_object(Bucket=stack["UploadsBucket"], Key="folder/")
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.client("secretsmanager", operator).get_secret_value(SecretId=stack["UploaderKeySecret"])


def test_queues_sources_and_the_schedule_arrive_as_written(cloud, stack):
    sqs = cloud.client("sqs")
    for name in QUEUES:
        got = sqs.get_queue_attributes(QueueUrl=stack[f"{name}Queue"], AttributeNames=["All"])["Attributes"]
        dead = sqs.get_queue_attributes(QueueUrl=stack[f"{name}DeadLetterQueue"], AttributeNames=["QueueArn"])
        redrive = json.loads(got["RedrivePolicy"])
        assert redrive["deadLetterTargetArn"] == dead["Attributes"]["QueueArn"]
        assert int(redrive["maxReceiveCount"]) == 5
        assert "KmsMasterKeyId" in got
    sources = cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert len(sources) == len(QUEUES) + 1  # and the stream
    assert all(source["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for source in sources)
    schedule = cloud.client("scheduler").get_schedule(GroupName=STACK, Name=schedule_name(cloud))
    assert schedule["Target"]["DeadLetterConfig"]["Arn"].rpartition(":")[2].startswith(f"{STACK}-Schedule")


def schedule_name(cloud: Cloud) -> str:
    (schedule,) = cloud.client("scheduler").list_schedules(GroupName=STACK)["Schedules"]
    return schedule["Name"]
