"""The function ``likeness`` as scan and the command line reach it on AWS: by a synchronous call."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from rightscan import runtime
from rightscan.adapters.aws.likeness import MOST_BYTES, LambdaLikeness
from rightscan.adapters.local.clock import ManualClock
from rightscan.errors import PermanentError, TransientError, UsageError
from rightscan.jobs.voices.enrol import enrol
from rightscan.jobs.voices.withdraw import withdraw
from rightscan.localrun.delivery import Context, load_handler
from rightscan.ports import Conflict
from rightscan.records.registers import Consent, Performer
from rightscan.records.vault import AskCompare, AskSubject
from rightscan.rights.axes import AxisB
from system import ROOT, wiring
from voices import recording, use_written_voices, voice

NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)
STAMPS = {"changed_at": NOW, "changed_by": "catalogue", "reason": "catalogue.xlsx"}
NAME, REASON = "비밀이름Zq7", "비밀사유Xv3"
WHO = {"actor": "담당자Hr2", "reason": REASON}


class Deployed:
    """Invokes the handler of the template in the place of Lambda; keeps what it writes out."""

    def __init__(self, world) -> None:
        self.world = world
        self.out = io.StringIO()
        self.broken = False

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict:  # noqa: N803 (the SDK's spelling)
        found = wiring().functions["LikenessFunction"]
        handler = load_handler(found)
        # The logger has the standard output of its first test.
        logging.getLogger("likeness").handlers[0].setStream(self.out)
        with (
            runtime.use(self.world),
            contextlib.redirect_stdout(self.out),
            contextlib.redirect_stderr(self.out),
        ):
            try:
                reply = handler(json.loads(Payload), Context(found))
            except Exception as error:  # noqa: BLE001 (as Lambda does)
                return {"FunctionError": "Unhandled", "Payload": io.BytesIO(repr(error).encode())}
        return {"Payload": io.BytesIO(json.dumps(reply).encode())}


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    use_written_voices(monkeypatch)
    inside = runtime.local_ports(tmp_path / "store", clock=ManualClock(NOW), durable=False)
    save = inside.ledger.save_register_row
    save(Performer(**STAMPS, performer_id="P-1", name_ko=NAME))
    save(Consent(**STAMPS, performer_id="P-1", consent="C1", valid_from="2026-01-01", text_sha256="ab" * 32))
    deployed = Deployed(inside)

    class Closed:
        def __getattr__(self, name: str):
            raise AssertionError("outside the function the vault is closed")

    outside = replace(inside, vault=Closed(), likeness=LambdaLikeness("likeness", deployed))
    return SimpleNamespace(inside=inside, outside=outside, deployed=deployed, folder=tmp_path)


def enrolled(stack: SimpleNamespace) -> None:
    files = [recording(stack.folder, f"{NAME} {n}.wav", "kim", seed=n) for n in (1, 2)]
    assert enrol("P-1", files, stack.outside, **WHO).state == "enrolled"


def question(**changes) -> AskCompare:
    values = {"actor": "function:scan", "reason": "scan s", "media_id": "m", "scan_id": "s"}
    return AskCompare(**(values | {"print": voice("kim", seed=9)} | changes))


def test_enrolment_comparison_and_withdrawal_go_through_the_function(stack) -> None:
    enrolled(stack)
    heard = stack.outside.likeness(question(), stack.outside).heard
    assert (heard.axis_b, heard.candidates[0].performer_id) == (AxisB.STRONG, "P-1")
    withdraw("P-1", stack.outside, **WHO)
    heard = stack.outside.likeness(question(), stack.outside).heard
    assert (heard.axis_b, heard.candidates) == (AxisB.NOT_TESTED, ())


def test_an_error_of_ours_comes_out_as_it_went_in(stack) -> None:
    with pytest.raises(PermanentError) as told:
        withdraw("P-9", stack.outside, **WHO)
    assert told.value.code == "unknown_performer"
    ask = AskSubject(actor="kim", reason="010-2345-6789", performer_id="P-1")
    with pytest.raises(UsageError) as told:
        stack.outside.likeness(ask, stack.outside)
    assert told.value.code == "personal_data_in_reason"


def test_an_error_of_a_finer_class_comes_out_as_what_a_caller_must_do(stack) -> None:
    class Busy:
        def pseudonym(self, performer_id: str) -> str:
            raise Conflict("the vault")

    stack.deployed.world = replace(stack.inside, vault=Busy())
    with pytest.raises(TransientError) as told:
        withdraw("P-1", stack.outside, **WHO)
    assert told.value.code == "conflict"


def test_a_failure_tells_nothing_of_what_was_asked(stack) -> None:
    class Broken:
        def pseudonym(self, performer_id: str) -> str:
            raise ValueError(f"{NAME} {performer_id}")

    stack.deployed.world = replace(stack.inside, vault=Broken())
    with pytest.raises(TransientError) as told:
        withdraw("P-1", stack.outside, **WHO)
    assert told.value.code == "likeness_failed"
    assert NAME not in stack.deployed.out.getvalue() + str(told.value)
    assert "ValueError" in stack.deployed.out.getvalue()


def test_what_is_no_question_is_refused(stack) -> None:
    found = wiring().functions["LikenessFunction"]
    for event in ({}, {"kind": "export"}, {"kind": "compare", "actor": "a"}):
        with runtime.use(stack.inside), contextlib.redirect_stdout(io.StringIO()):
            reply = load_handler(found)(event, Context(found))
        assert reply["error"]["code"] == "event_shape"


def test_the_event_of_the_folder_is_a_question(stack) -> None:
    event = json.loads((ROOT / "events/likeness_subject.json").read_text())
    found = wiring().functions["LikenessFunction"]
    with runtime.use(stack.inside), contextlib.redirect_stdout(io.StringIO()):
        assert load_handler(found)(event, Context(found))["answer"]["templates"] == []


def test_too_much_for_one_call_is_refused_before_it_is_sent(stack) -> None:
    big = voice("kim").model_copy(update={"embeddings": "A" * MOST_BYTES})
    with pytest.raises(PermanentError) as told:
        stack.outside.likeness(question(print=big), stack.outside)
    assert told.value.code == "message_too_large"


def test_logs_hold_no_name_no_reason_and_no_voice(stack) -> None:
    enrolled(stack)
    stack.outside.likeness(question(), stack.outside)
    enrol("P-1", [recording(stack.folder, f"{NAME}.wav", "kim")], stack.outside, **WHO)
    withdraw("P-1", stack.outside, **WHO)
    written = stack.deployed.out.getvalue()
    assert '"kind":"compare"' in written
    for hidden in (NAME, REASON, WHO["actor"], "P-1", voice("kim", seed=9).embeddings[:32]):
        assert hidden not in written


def test_a_function_that_was_not_given_likeness_waits_for_the_repair(stack) -> None:
    world = runtime.compose({"RIGHTSCAN_BACKEND": "aws", "RIGHTSCAN_TABLE": "t"})
    with pytest.raises(TransientError) as told:
        world.likeness(question(), world)
    assert told.value.code == "likeness_not_wired"
    given = runtime.compose(
        {"RIGHTSCAN_BACKEND": "aws", "RIGHTSCAN_TABLE": "t", "RIGHTSCAN_LIKENESS_FUNCTION": "stack-likeness"}
    )
    assert isinstance(given.likeness, LambdaLikeness)
