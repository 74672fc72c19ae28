"""A deployed stack's outputs as the settings that its functions get, for the command line with ``--aws``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from rightscan.adapters.aws.clients import aws_errors, error_code, shared_client
from rightscan.adapters.aws.queues import DeadLetterQueue
from rightscan.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

OUTPUTS = (
    "Table",
    "UploadsBucket",
    "RegistrationsBucket",
    "WorkBucket",
    "ExportsBucket",
    "EventBus",
    "IngestQueue",
    "BackfillQueue",
    "ScanQueue",
    "ScanBackfillQueue",
    "MatchQueue",
    "MatchBackfillQueue",
    "RegisterQueue",
    "ReportQueue",
    "UploaderKeySecret",
    "LikenessFunction",
    "UnitsPerDay",
)
"""Outputs without which the command line cannot work; each is an environment variable of the functions."""

_DEAD = "DeadLetterQueue"


@dataclass(frozen=True)
class Stack:
    """What a deployment says of itself.

    ``environment`` has the functions' variables (``RIGHTSCAN_TABLE``, …), ``dead_letters`` each dead-letter
    queue by the logical name of its queue (``IngestQueue``); a stream's has the name of its function
    (``Counters``).
    """

    environment: Mapping[str, str]
    dead_letters: Mapping[str, DeadLetterQueue]


def read_stack(name: str, client: CloudFormationClient | None = None) -> Stack:
    """Read the outputs of a stack.

    Raises:
        UsageError: codes ``stack_missing`` (there is none of this name in the account and region) and
            ``stack_incomplete`` (outputs are missing: not ours, an older version, or a failed deployment).
        TransientError: as ``aws_errors``.
    """
    client = client or shared_client("cloudformation")
    region = client.meta.region_name
    with aws_errors(f"stack {name}"):
        try:
            stacks = client.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            # The service's word for a name it does not know, or cannot be one.
            if error_code(error) != "ValidationError":
                raise
            raise UsageError(
                "stack_missing",
                f"no stack {name} in {region}",
                "Deploy it (docs/deploy.md), or name another.",
            ) from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
    missing = [output for output in OUTPUTS if output not in outputs]
    if missing:
        raise UsageError(
            "stack_incomplete",
            f"stack {name} in {region} ({stacks[0]['StackStatus']}) has no output {', '.join(missing)}",
            "Deploy this version of the template again, or name another stack.",
        )
    environment = {_variable(output): outputs[output] for output in OUTPUTS}
    dead_letters = {}
    for output, url in outputs.items():
        if output.endswith(_DEAD):
            function = output.removesuffix(_DEAD)
            source = outputs.get(f"{function}Queue")
            dead_letters[function if source is None else f"{function}Queue"] = DeadLetterQueue(url, source)
    return Stack({"RIGHTSCAN_BACKEND": "aws", **environment}, dead_letters)


def _variable(output: str) -> str:
    """``UploadsBucket`` to ``RIGHTSCAN_UPLOADS_BUCKET``."""
    return "RIGHTSCAN_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", output).upper()
