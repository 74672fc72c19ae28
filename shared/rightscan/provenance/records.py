"""What is said of a file's origin, as values that go into a record and come out of it unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

State = Literal["trusted", "valid_untrusted", "invalid", "absent", "unsupported_container"]
Part = Literal[
    "vocals",
    "instrumentation",
    "composition",
    "lyrics",
    "post_production",
    "video",
    "face",
    "artwork",
    "whole",
]
Extent = Literal["full", "partial", "none_declared"]
TagState = Literal["read", "unreadable", "unsupported_container"]

STRENGTH: Mapping[Extent, int] = {"none_declared": 0, "partial": 1, "full": 2}
"""Which of two extents says more."""

FORMAT = 1
"""Of the JSON form; grows when its fields change."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read or was not looked at.

    Attributes:
        code: word of ``data/words.toml``, list ``problem``.
        detail: what was met; text from a library or a file, cleaned.
    """

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One statement that a file makes of its own making.

    Attributes:
        by: a signed manifest, or a tag that anybody can write.
        part: of the work that it speaks of; ``whole`` where it names no part.
        extent: how much of that part a machine made; ``none_declared`` is a manifest that could have said so
            and did not. Only ``full`` and ``partial`` declare something.
        generator: the program named, where one is.
        detail: where it stands and what it says.
        trusted: the signature leads to a configured anchor; never of a tag.
    """

    by: Literal["c2pa", "tag"]
    part: Part
    extent: Extent
    generator: str | None
    detail: str
    trusted: bool


@dataclass(frozen=True, slots=True)
class SourceType:
    """One ``digitalSourceType`` found in a manifest.

    Attributes:
        uri: as written.
        manifest: ``active``, or ``ingredient``.
        assertion: its label.
        action: the action's name, where it stands in one.
        agent: the software agent of that action.
        ingredient: title of the ingredient and its relationship, where it comes from one.
        counts: what it declares where it stands.
        trusted: the manifest that holds it is signed under a configured anchor.
    """

    uri: str
    manifest: Literal["active", "ingredient"]
    assertion: str
    action: str | None
    agent: str | None
    ingredient: str | None
    counts: Extent
    trusted: bool


@dataclass(frozen=True, slots=True)
class MiningEntry:
    """One entry of a training and data mining assertion.

    Attributes:
        manifest: ``active``, or ``ingredient``.
        assertion: ``cawg.training-mining`` or ``c2pa.training-mining``.
        entry: what is regulated, such as ``cawg.ai_generative_training``.
        use: ``allowed``, ``notAllowed`` or ``constrained``, as written.
        constraint: words on the constraint.
    """

    manifest: Literal["active", "ingredient"]
    assertion: str
    entry: str
    use: str
    constraint: str | None


@dataclass(frozen=True, slots=True)
class ValidationCode:
    """One status code of the C2PA specification (section "Returning validation results").

    Attributes:
        manifest: ``active``, or ``ingredient``.
        kind: ``success``, ``informational`` or ``failure``.
        code: such as ``assertion.dataHash.mismatch``.
        explanation: the library's words on a failure; empty otherwise.
    """

    manifest: Literal["active", "ingredient"]
    kind: Literal["success", "informational", "failure"]
    code: str
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The C2PA manifest of a file.

    Attributes:
        state: see ``docs/provenance.md``.
        claim_generator: program that made the claim.
        issuer: organisation of the signing certificate; whoever signs without an anchor writes it freely.
        signer: its common name; likewise.
        signed_at: RFC 3339 time of a time stamp, where the signature has one.
        algorithm: of the signature.
        remote_url: where the file says that its manifest lies; it is never fetched.
        sources: the source types found.
        mining: training and data mining entries.
        codes: validation codes, sorted, each once.
        problems: why something is missing here.
    """

    state: State
    claim_generator: str | None = None
    issuer: str | None = None
    signer: str | None = None
    signed_at: str | None = None
    algorithm: str | None = None
    remote_url: str | None = None
    sources: tuple[SourceType, ...] = ()
    mining: tuple[MiningEntry, ...] = ()
    codes: tuple[ValidationCode, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """A string that a program left in the file: a fact, nothing is concluded from it.

    Attributes:
        place: tag field or header that holds it.
        value: as written, cleaned.
    """

    place: str
    value: str


@dataclass(frozen=True, slots=True)
class Traces:
    """What encoders left behind.

    Attributes:
        encoders: their strings.
        delay_samples: silent samples that the encoder put before the sound, where a header says so.
        padding_samples: those behind it.
    """

    encoders: tuple[Trace, ...] = ()
    delay_samples: int | None = None
    padding_samples: int | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything that a file says of its origin, and how far it can be believed.

    Attributes:
        container: by the file's first bytes (``wav mp3 flac mp4 m4a mov avi ogg …``), else as the caller said.
        c2pa: the manifest.
        tags: whether tags could be read.
        declarations: of manifest and tags, strongest first.
        traces: of encoders.
        problems: of tags and traces; those of the manifest stand with it.
    """

    container: str
    c2pa: Credentials
    tags: TagState
    declarations: tuple[Declaration, ...] = ()
    traces: Traces = field(default_factory=Traces)
    problems: tuple[Problem, ...] = ()

    @property
    def declared(self) -> tuple[Declaration, ...]:
        """The declarations that declare something: axis C is ``declared`` where there is one."""
        return tuple(entry for entry in self.declarations if entry.extent != "none_declared")

    def to_json(self) -> dict[str, Any]:
        """JSON values, the same for the same file, library and anchors."""
        return {"format": FORMAT, **_plain(asdict(self))}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Provenance:
        """What ``to_json`` gave.

        Raises:
            KeyError: a field is missing.
            TypeError: a field is too much.
        """
        c2pa = dict(value["c2pa"])
        for name, kind in (
            ("sources", SourceType),
            ("mining", MiningEntry),
            ("codes", ValidationCode),
            ("problems", Problem),
        ):
            c2pa[name] = _all(kind, c2pa[name])
        traces = {**value["traces"], "encoders": _all(Trace, value["traces"]["encoders"])}
        return cls(
            container=value["container"],
            c2pa=Credentials(**c2pa),
            tags=value["tags"],
            declarations=_all(Declaration, value["declarations"]),
            traces=Traces(**traces),
            problems=_all(Problem, value["problems"]),
        )


def _all(kind: Any, entries: Iterable[Mapping[str, Any]]) -> tuple[Any, ...]:
    return tuple(kind(**entry) for entry in entries)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value
