"""Won per performer: rows with the columns of sheet 08, and what late registrations change."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rightscan.records.base import Record


class ShareRow(Record):
    """Won of one performer from one recording, all paid or all held; ``performer_id`` None is nobody's yet."""

    recording_id: str | None = None
    title: str | None = None
    performer_id: str | None = None
    member_no: str | None = None
    name_ko: str | None = None
    mandate: str | None = None
    ledger: str
    units: float = Field(ge=0, description="uses, or seconds used")
    weight_num: int = Field(ge=0, description="exact part of the pool")
    weight_den: int = Field(gt=0)
    gross: int = Field(ge=0, description="won")
    held: int = Field(ge=0, description="won of gross that are not paid yet")
    hold_reason: str
    payable: int = Field(ge=0)
    rule: str
    use_ids: tuple[str, ...] = Field(default=(), description="the uses behind it")


class PerformerTotal(Record):
    """One performer's won of a pool."""

    performer_id: str | None = None
    name_ko: str | None = None
    name_roman: str | None = None
    mandate: str | None = None
    gross: int
    held: int
    payable: int
    hold_reasons: tuple[str, ...] = ()


class PoolShares(Record):
    """A pool divided. ``gross`` of the rows, and of the performers, sums to ``pool``."""

    period: str
    ledger: str
    pool: int
    currency: Literal["KRW"] = "KRW"
    rule: str
    basis: Literal["use_count", "seconds_used"]
    uses: int
    units: float
    payable: int
    held: int
    performers: tuple[PerformerTotal, ...]
    rows: tuple[ShareRow, ...]
    no_ledger: int = Field(default=0, description="uses of the period in no ledger: a fact is missing")
    other_periods: int = Field(default=0, description="uses settled in this period that happened in another")


class AttributionChange(Record):
    """One performer of one use: what was stored with the finding, and what the registers say now."""

    use_id: str
    recording_id: str
    performer_id: str
    what: tuple[str, ...]
    mandate_before: str | None = None
    mandate_now: str | None = None
    featured_before: bool | None = None
    featured_now: bool | None = None
    weight_before: str | None = Field(default=None, description="fraction of the recording")
    weight_now: str | None = None
    ledger_now: str | None = None
