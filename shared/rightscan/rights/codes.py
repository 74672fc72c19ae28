"""From the four axes to one of the 13 codes, by an ordered rule table that is data.

``data/codes.json`` holds the rules with their effective dates, the names, money routes, next steps and
reasons in Korean and English. The first hit gives the code, all hits are kept. Whatever no rule covers
is X1 (inconclusive), never an accusation.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Literal

from rightscan.errors import PermanentError
from rightscan.rights import vocabulary
from rightscan.rights.axes import (
    Axes,
    AxisA,
    AxisB,
    AxisC,
    AxisD,
    ClaimBasis,
    Inputs,
    LineupState,
    Processing,
    Stem,
)


class Code(StrEnum):
    """What a finding means to the society: domain page, section 3."""

    L1 = "L1"
    A2 = "A2"
    A1 = "A1"
    A3 = "A3"
    U3 = "U3"
    U2 = "U2"
    U1 = "U1"
    H1 = "H1"
    D1 = "D1"
    D2 = "D2"
    X2 = "X2"
    X1 = "X1"
    N1 = "N1"


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """The words and routes of one code; ``claim_basis`` is None where the axes decide it."""

    code: Code
    ko: str
    en: str
    money_route: str
    money_route_ko: str
    money_route_en: str
    next_step: str
    next_step_ko: str
    next_step_en: str
    claim_basis: ClaimBasis | None
    reason_ko: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: every key of ``when`` must hold, within a key any of the values."""

    code: Code
    when: Mapping[str, frozenset[str]]
    effective_from: dt.date
    effective_to: dt.date | None


@dataclass(frozen=True, slots=True)
class CodeTable:
    """The rule table with its words."""

    version: str
    rules: tuple[Rule, ...]
    otherwise: Code
    infos: Mapping[Code, CodeInfo]
    notes: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Decision:
    """The code of one finding, why, and what follows from it.

    ``held_share`` is True where an incomplete line-up keeps part of a usage line's money back.
    """

    code: Code
    hits: tuple[Code, ...]
    claim_basis: ClaimBasis
    held_share: bool
    reason_ko: str
    reason_en: str
    info: CodeInfo
    table_version: str


_VALUES: Mapping[str, frozenset[str]] = {
    "a": frozenset(AxisA) | {f"{AxisA.PARTIAL_STEM}:{stem}" for stem in Stem},
    "b": frozenset(AxisB),
    "c": frozenset(AxisC),
    "d": frozenset(AxisD),
    "lineup": frozenset(LineupState),
    "conditions": frozenset({"valid", "outside"}),
    "processing": frozenset(Processing),
}


def parse_code_table(data: Mapping[str, Any]) -> CodeTable:
    """Build the table from the content of ``codes.json``.

    Raises:
        PermanentError: ``bad_rule_table`` where a rule is empty or names a key or value that does not
            exist: a misspelt rule must stop the system, not hit the wrong findings.

    """
    rules = []
    for position, row in enumerate(data["rules"]):
        when = {key: frozenset(values) for key, values in row["when"].items()}
        if not when or any(key not in _VALUES or not when[key] <= _VALUES[key] for key in when):
            raise PermanentError(
                "bad_rule_table",
                f"rule {position} ({row['code']}) has an unknown key or value: {row['when']}",
                "Correct the rule table; the axis words are in axes.py.",
            )
        rules.append(Rule(Code(row["code"]), when, *vocabulary.effective_dates(row)))
    infos = {Code(code): _info(Code(code), entry, data) for code, entry in data["codes"].items()}
    return CodeTable(data["version"], tuple(rules), Code(data["otherwise"]), infos, data["notes"])


def _info(code: Code, entry: Mapping[str, Any], data: Mapping[str, Any]) -> CodeInfo:
    route, step = entry["money_route"], entry["next_step"]
    basis = entry["claim_basis"]
    return CodeInfo(
        code=code,
        ko=entry["ko"],
        en=entry["en"],
        money_route=route,
        money_route_ko=data["money_routes"][route]["ko"],
        money_route_en=data["money_routes"][route]["en"],
        next_step=step,
        next_step_ko=data["next_steps"][step]["ko"],
        next_step_en=data["next_steps"][step]["en"],
        claim_basis=None if basis == "axes" else ClaimBasis(basis),
        reason_ko=entry["reason"]["ko"],
        reason_en=entry["reason"]["en"],
    )


@cache
def code_table() -> CodeTable:
    """Return the table shipped as ``data/codes.json``."""
    return parse_code_table(vocabulary.load_json("codes.json"))


def _facts(axes: Axes, inputs: Inputs) -> dict[str, set[str]]:
    a: set[str] = {axes.a}
    if axes.a is AxisA.PARTIAL_STEM and axes.stem:
        a.add(f"{axes.a}:{axes.stem}")
    return {
        "a": a,
        "b": {axes.b},
        "c": {axes.c},
        "d": {axes.d},
        "lineup": {inputs.completeness.state},
        "conditions": {"outside" if inputs.conditions.failed else "valid"},
        "processing": {inputs.processing},
    }


def _words(axes: Axes, inputs: Inputs, language: Literal["ko", "en"]) -> dict[str, str]:
    """Word what the reason texts may mention, in one language."""
    word = vocabulary.ko if language == "ko" else vocabulary.en

    def join(list_name: str, codes: tuple[str, ...], instead: str) -> str:
        return ", ".join(word(list_name, code) for code in codes) or instead

    axis_words = {f"axis_{axis}": word(f"axis_{axis}", getattr(axes, axis)) for axis in "abcd"}
    tested = tuple(axis for axis in "abcd" if getattr(axes, axis) != "not_tested")
    stem = join("stem", (axes.stem,) if axes.stem else (), axis_words["axis_a"])
    size = inputs.completeness.size
    return axis_words | {
        "stem": stem,
        "change": join("modification", axes.modifications, stem),
        "declared": join("declared_by", axes.declared_by, axis_words["axis_c"]),
        "detected": join("detected_part", axes.detected_parts, axis_words["axis_c"]),
        "tested": join("tested", tested, "-"),
        "conditions": join("condition", inputs.conditions.failed, "-"),
        "processing": word("processing", inputs.processing),
        "known": str(inputs.completeness.known),
        "size": "-" if size is None else str(size),
    }


def _notes(code: Code, axes: Axes, inputs: Inputs, *, held_share: bool, covered: bool) -> list[str]:
    """Name the notes that follow the reason, in order."""
    is_use = code in (Code.U1, Code.U2, Code.A2)
    conditions = {
        "no_performer_compared": code in (Code.D1, Code.D2) and axes.b is AxisB.NOT_TESTED,
        "lineup_size_unknown": is_use and inputs.completeness.state is LineupState.UNKNOWN,
        # U3 says so in its own reason.
        "share_held": held_share and code is not Code.U3,
        "outside_conditions": bool(inputs.conditions.failed) and code in (Code.X1, Code.A3),
        "unknown_combination": not covered,
    }
    return [name for name, holds in conditions.items() if holds]


def derive(
    axes: Axes, inputs: Inputs | None = None, *, on: dt.date | None = None, table: CodeTable | None = None
) -> Decision:
    """Derive the code of one finding.

    Args:
        axes: the finding's four axes.
        inputs: line-up completeness, validated conditions and processing state; None: no performer
            known, all conditions met, processed.
        on: the Korean day the decision is made, choosing among dated rules; None: the rules without an end.
        table: another rule table than the shipped one.

    """
    inputs = inputs or Inputs()
    table = table or code_table()
    facts = _facts(axes, inputs)
    hits = tuple(
        rule.code
        for rule in table.rules
        if vocabulary.is_in_force(rule.effective_from, rule.effective_to, on)
        and all(facts[key] & values for key, values in rule.when.items())
    )
    code = hits[0] if hits else table.otherwise
    info = table.infos[code]
    incomplete = inputs.completeness.state is LineupState.INCOMPLETE
    held_share = incomplete and code in (Code.U2, Code.U3, Code.A2)
    notes = _notes(code, axes, inputs, held_share=held_share, covered=bool(hits))
    ko_words, en_words = _words(axes, inputs, "ko"), _words(axes, inputs, "en")
    reasons_ko = [info.reason_ko, *(table.notes[name]["ko"] for name in notes)]
    reasons_en = [info.reason_en, *(table.notes[name]["en"] for name in notes)]
    return Decision(
        code=code,
        hits=hits or (code,),
        claim_basis=info.claim_basis or axes.claim_basis,
        held_share=held_share,
        reason_ko=" ".join(text.format(**ko_words) for text in reasons_ko),
        reason_en=" ".join(text.format(**en_words) for text in reasons_en),
        info=info,
        table_version=table.version,
    )
