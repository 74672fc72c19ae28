"""Enrolment, the command line's side: the recordings are decoded where they lie and are never stored.

Embeddings travel to the function ``likeness``, which looks at the consent itself (``jobs.voices.enrolment``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rightscan.errors import PermanentError, TransientError
from rightscan.jobs import incidents
from rightscan.jobs.voices.listening import hear_guarded
from rightscan.ports import Ports
from rightscan.records.vault import AskEnrol, AskMayEnrol, EnrolProblem, EnrolResult, VoicePrintRecord
from rightscan.rights.access_reasons import checked_reason


def enrol(
    performer_id: str, recordings: Sequence[Path], ports: Ports, *, actor: str, reason: str
) -> EnrolResult:
    """Make templates of a performer's recordings; the command line's side of it.

    Args:
        performer_id: as registered.
        recordings: audio files of this one voice.
        ports: the world.
        actor: who does it.
        reason: why.

    Returns:
        What became of it. A refusal says why, and stands in the records as an incident.

    Raises:
        UsageError: ``no_actor_or_reason``, ``personal_data_in_reason``.
        TransientError: the vault cannot be reached.
    """
    actor, reason = checked_reason(actor, reason)
    try:
        # Before any recording is opened: without consent nobody listens.
        ports.likeness(AskMayEnrol(actor=actor, reason=reason, performer_id=performer_id), ports)
        prints, unread = _heard(recordings, ports)
        ask = AskEnrol(
            actor=actor, reason=reason, performer_id=performer_id, prints=tuple(prints), unread=tuple(unread)
        )
        told = ports.likeness(ask, ports)
    except PermanentError as error:
        return _refused(performer_id, [EnrolProblem(**incidents.info(error).model_dump())])
    if told.enrolment is None:
        raise TransientError(
            "likeness_silent",
            "the function likeness gave no answer to an enrolment",
            "Deploy the same version everywhere and try again; `rightscan subject` shows what is kept.",
        )
    return told.enrolment


def _heard(recordings: Sequence[Path], ports: Ports) -> tuple[list[VoicePrintRecord], list[EnrolProblem]]:
    prints, unread = [], []
    with ports.workspace() as folder:
        for number, path in enumerate(recordings, start=1):
            # A neutral name: the file's own may hold the performer's, and what fails is recorded.
            link = folder / f"recording-{number}"
            link.symlink_to(path.absolute())
            try:
                prints.append(hear_guarded(link, ports.settings.limits, ports.settings.engines, folder))
            except PermanentError as error:
                unread.append(
                    EnrolProblem(
                        code=error.code, cause=f"recording {number}: {error.cause}", remedy=error.remedy
                    )
                )
    return prints, unread


def _refused(performer_id: str, problems: Sequence[EnrolProblem]) -> EnrolResult:
    return EnrolResult(performer_id=performer_id, state="refused", problems=tuple(problems))
