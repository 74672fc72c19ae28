"""Enrolment, inside the function ``likeness``: consent, quality, a template of each register."""

from __future__ import annotations

from collections.abc import Sequence

from rightscan.errors import PermanentError
from rightscan.jobs import incidents
from rightscan.jobs.voices.detection_consent import consent_of, may_be_compared
from rightscan.jobs.voices.enrolled import note_enrolled
from rightscan.jobs.voices.prints import embedding_text, print_of
from rightscan.likeness import Template, VoicePrint, enrolment_problems, template_of
from rightscan.ports import Ports
from rightscan.records.objects import ErrorInfo
from rightscan.records.vault import (
    Access,
    AskEnrol,
    EnrolProblem,
    EnrolResult,
    LikenessAnswer,
    VoiceTemplate,
)
from rightscan.rights.consents import ConsentState

LEAST_OF_REGISTER_S = 10.0
"""A register with less voice gets no template of its own: half of what an enrolment needs at the least."""

_WHY_NOT = {
    ConsentState.ABSENT: "has given no consent C1",
    ConsentState.NOT_YET: "has a consent C1 that is not yet in force",
    ConsentState.ENDED: "had a consent C1, which has ended",
    ConsentState.WITHDRAWN: "has withdrawn the consent C1",
    ConsentState.WITHOUT_TEXT: "has a consent C1 without the hash of its text",
}


def check(performer_id: str, ports: Ports) -> None:
    """Refuse who is not registered, or has no consent in force today; a refusal is recorded.

    Raises:
        PermanentError: ``unknown_performer``, ``no_consent``.
    """
    try:
        _check(performer_id, ports)
    except PermanentError as error:
        incidents.record(ports, "enrolment", performer_id, incidents.info(error))
        raise


def _check(performer_id: str, ports: Ports) -> None:
    if ports.ledger.performer(performer_id) is None:
        raise PermanentError(
            "unknown_performer",
            f"no performer {performer_id} is registered",
            "Register the performer and the consent C1 first.",
        )
    state = consent_of(ports.ledger, performer_id, ports.clock.now())
    if state is not ConsentState.IN_FORCE:
        raise PermanentError(
            "no_consent",
            f"performer {performer_id} {_WHY_NOT[state]}",
            "Register a consent C1 that is in force today, with the hash of its text; nobody listens before.",
        )


def keep(ask: AskEnrol, ports: Ports) -> LikenessAnswer:
    """Judge the recordings and keep a template of each register; a refusal is recorded.

    Raises:
        PermanentError: as ``check``; ``model_mismatch``, ``event_shape``.
    """
    check(ask.performer_id, ports)
    prints = [print_of(record) for record in ask.prints]
    problems = list(ask.unread) or _problems(prints)
    if problems:
        for problem in problems:
            error = ErrorInfo(code=problem.code, cause=problem.cause, remedy=problem.remedy)
            incidents.record(ports, "enrolment", ask.performer_id, error)
        return LikenessAnswer(enrolment=_refused(ask.performer_id, problems))
    made = _templates(prints)
    pseudonym = ports.vault.pseudonym(ask.performer_id)
    access = Access(actor=ask.actor, action="enrol", whose=pseudonym, reason=ask.reason)
    _lift_suppression(ask, ports)
    for template in made:
        ports.vault.put_template(_record(template, ask.performer_id, ports), access)
    if not may_be_compared(ask.performer_id, ports):
        # Withdrawn while we worked: what we wrote after the key was destroyed must go as well.
        ports.vault.destroy(ask.performer_id, access)
        note_enrolled(ports)
        check(ask.performer_id, ports)
    note_enrolled(ports)
    return LikenessAnswer(
        pseudonym=pseudonym,
        enrolment=EnrolResult(
            performer_id=ask.performer_id,
            state="enrolled",
            pseudonym=pseudonym,
            registers=tuple(one.register for one in made),
            recordings=len(prints),
            voiced_s=round(sum(one.voiced_s for one in prints), 1),
            model=made[0].model,
        ),
    )


def _templates(prints: list[VoicePrint]) -> list[Template]:
    seconds = {name: sum(one.seconds(name) for one in prints) for name in ("singing", "speaking")}
    most = max(seconds, key=lambda name: seconds[name])
    return [
        template_of(prints, name)
        for name, voiced in seconds.items()
        if name == most or voiced >= LEAST_OF_REGISTER_S
    ]


def _record(template: Template, performer_id: str, ports: Ports) -> VoiceTemplate:
    return VoiceTemplate(
        performer_id=performer_id,
        voice_register="singing" if template.register == "singing" else "speaking",
        embedding=embedding_text(template.embedding),
        recordings=template.recordings,
        voiced_s=round(template.voiced_s, 2),
        model=template.model,
        made_at=ports.clock.now(),
    )


def _lift_suppression(ask: AskEnrol, ports: Ports) -> None:
    """A suppression ends with a consent that was given after it; ``check`` has seen that one is in force."""
    standing = ports.ledger.suppression(ask.performer_id)
    if standing is not None and standing.lifted_at is None:
        ports.ledger.put_suppression(standing.model_copy(update={"lifted_at": ports.clock.now()}))


def _problems(prints: Sequence[VoicePrint]) -> list[EnrolProblem]:
    known = {one.code: one for one in _words()}
    return [EnrolProblem(**known[code].model_dump()) for code in enrolment_problems(prints)]


def _words() -> tuple[ErrorInfo, ...]:
    return (
        ErrorInfo(
            code="too_few_recordings",
            cause="a template needs at least two recordings: one teaches its room along with the voice",
            remedy="Give a second recording, made elsewhere or on another day.",
        ),
        ErrorInfo(
            code="voice_too_short",
            cause="there is too little voice: 20 s in all and 3 s in each recording are needed",
            remedy="Give recordings in which the performer sings or speaks for longer.",
        ),
        ErrorInfo(
            code="voice_too_noisy",
            cause="the voice stands less than 12 dB over the noise of a recording",
            remedy="Give a recording from a quieter room or a closer microphone.",
        ),
        ErrorInfo(
            code="several_voices",
            cause="the recordings hold more than one voice, or not all the same one",
            remedy="Give recordings of this performer alone, without a duet, chorus or interviewer.",
        ),
        ErrorInfo(
            code="music_in_enrolment",
            cause="there is music under the voice",
            remedy="Give the vocal track, or a recording without accompaniment.",
        ),
    )


def _refused(performer_id: str, problems: Sequence[EnrolProblem]) -> EnrolResult:
    return EnrolResult(performer_id=performer_id, state="refused", problems=tuple(problems))
