"""Axis B between scan and match: who is asked, what is kept of the answer, and what may still be said of it later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rightscan.engines import EngineSettings
from rightscan.errors import PermanentError, TransientError, UsageError
from rightscan.jobs.voices.detection_consent import may_be_compared
from rightscan.jobs.voices.enrolled import anybody_enrolled
from rightscan.ports import Ports
from rightscan.records.base import content_hash
from rightscan.records.findings import Finding, Likeness
from rightscan.records.media import Scan
from rightscan.records.vault import AskCompare, VoiceCandidate, VoicePrintRecord, VoicesHeard
from rightscan.rights.axes import AxisB

VOICES_FILE = "voices.json"
"""Written beside the features by the analysis; it ends with the folder it lies in."""

_NAMED = (AxisB.STRONG, AxisB.CANDIDATE)


@dataclass(frozen=True)
class Voices:
    """What may be said of the voices in a file.

    Attributes:
        axis_b: the word.
        candidates: best first; empty where nobody is named.
        conditions: what limits the word.
        read: version of what was read, for the verdict; empty where nothing was compared.
    """

    axis_b: AxisB = AxisB.NOT_TESTED
    candidates: tuple[VoiceCandidate, ...] = ()
    conditions: tuple[str, ...] = ()
    read: str = ""

    @property
    def tested(self) -> tuple[str, ...]:
        """The word of the ``tested`` list, where it was."""
        return () if self.axis_b is AxisB.NOT_TESTED else ("b",)

    @property
    def best(self) -> str | None:
        """The performer who is named first."""
        return self.candidates[0].performer_id if self.candidates else None

    def rows_read(self) -> dict[str, str]:
        """What a verdict's version of the registers takes of it; nothing where nothing was compared."""
        return {"voices": self.read} if self.read else {}

    def likeness(self) -> tuple[Likeness, ...]:
        """The candidates as a finding has them."""
        return tuple(
            Likeness(
                performer_id=one.performer_id,
                voice_register=one.voice_register,
                log10_lr=one.log10_lr,
                seconds=one.seconds,
            )
            for one in self.candidates
        )


NOBODY = Voices()


# ---- in a scan ------------------------------------------------------------------------------------------
def engines_for(ports: Ports) -> EngineSettings:
    """The engines of a scan: voices are heard only where somebody is enrolled with whom to compare."""
    engines = ports.settings.engines
    return replace(engines, voices=engines.encoder is not None and anybody_enrolled(ports))


def ask(media_id: str, scan_id: str, folder: Path, ports: Ports) -> None:
    """Have the voices that the analysis wrote into ``folder`` compared, and keep the answer.

    The embeddings go with the call; where they match nobody, nothing is left of them.

    Raises:
        TransientError: the function ``likeness`` cannot be reached, or not answer. That is no fault of the file,
            which waits for the repair.
    """
    path = folder / VOICES_FILE
    if not path.exists():
        return
    heard = VoicePrintRecord.model_validate_json(path.read_text("utf-8"))
    path.unlink()
    question = AskCompare(
        actor="function:scan", reason=f"scan {scan_id}", media_id=media_id, scan_id=scan_id, print=heard
    )
    try:
        told = ports.likeness(question, ports)
    except (PermanentError, UsageError) as error:
        raise TransientError(error.code, error.cause, error.remedy) from error
    if told.heard is not None:
        ports.ledger.put_voices(told.heard)


# ---- in a match -----------------------------------------------------------------------------------------
def heard_in(scan: Scan, ports: Ports) -> Voices:
    """What may be said now of what was heard in a scan: suppressions and consents are read anew."""
    kept = ports.ledger.voices(scan.media_id, scan.scan_id)
    if kept is None:
        return NOBODY
    return _standing(kept, lambda performer_id: may_be_compared(performer_id, ports))


def as_it_may_be_shown(finding: Finding, ports: Ports) -> Finding:
    """The finding without performers of whose likeness nothing may be said any more; read anew at each showing."""
    named = tuple(one for one in finding.likeness if may_be_compared(one.performer_id, ports))
    return finding if named == finding.likeness else finding.model_copy(update={"likeness": named})


def _standing(kept: VoicesHeard, may: Callable[[str], bool]) -> Voices:
    candidates = tuple(one for one in kept.candidates if may(one.performer_id))
    if kept.axis_b in _NAMED and (not candidates or candidates[0] != kept.candidates[0]):
        # Whether another would be named without the one who withdrew, nobody compared.
        return Voices(read=_version(AxisB.NOT_TESTED, (), ()))
    return Voices(
        kept.axis_b, candidates, kept.conditions, _version(kept.axis_b, candidates, kept.conditions)
    )


def _version(axis_b: AxisB, candidates: Iterable[VoiceCandidate], conditions: Iterable[str]) -> str:
    return content_hash([axis_b.value, [one.to_json() for one in candidates], list(conditions)])
