"""``shares``: won per performer of one month, for given pools."""

from __future__ import annotations

import click

from rightscan.cli import show
from rightscan.cli.options import Options, global_options, options
from rightscan.errors import UsageError
from rightscan.jobs.attribution import attribution_changes
from rightscan.jobs.lineups import DEFAULT_RULE
from rightscan.jobs.shares import Basis
from rightscan.jobs.shares import shares as divide
from rightscan.records.money import AttributionChange, PerformerTotal, PoolShares
from rightscan.rights import vocabulary
from rightscan.rights.ledgers import Ledger
from rightscan.rights.periods import month_bounds


@click.command()
@click.argument("period")
@click.option("--pool", "pools", multiple=True, metavar="LEDGER=WON", help="e.g. remuneration=1000000")
@click.option("--rule", default=DEFAULT_RULE, show_default=True, help="id of the rule profile")
@click.option(
    "--basis",
    default="use_count",
    show_default=True,
    type=click.Choice(["use_count", "seconds_used"]),
    help="what the money follows",
)
@click.option("--diff", is_flag=True, help="what the registers of now change in the stored findings")
@global_options
@click.pass_context
def shares(
    context: click.Context, period: str, pools: tuple[str, ...], rule: str, basis: Basis, diff: bool
) -> int:
    """Divide pools over the performers of a Korean month's uses, to the won.

    Nothing is stored or paid. With --json one object per pool, then, with --diff, one per change.
    """
    told = options(context)
    month_bounds(period)
    if not pools and not diff:
        raise UsageError("no_pool", "no pool was given", "Give --pool remuneration=1000000, or --diff.")
    given = _pools(pools)
    found = divide(period, given, told.ports, rule=rule, basis=basis) if given else []
    changes = attribution_changes(period, told.ports) if diff else []
    if told.json:
        for record in (*found, *changes):
            show.json_line(record.to_json())
        return 0
    for one in found:
        _pool_table(told, one)
    if diff:
        _changes_table(told, changes)
    return 0


def _pools(texts: tuple[str, ...]) -> dict[Ledger, int]:
    found: dict[Ledger, int] = {}
    for text in texts:
        name, _, amount = text.rpartition("=")
        ledger = vocabulary.code_for("ledger", name) if name else None
        digits = amount.replace(",", "").replace("_", "").strip()
        if ledger is None or not (digits.isascii() and digits.isdecimal()) or ledger in found:
            known = ", ".join(ledger.value for ledger in Ledger)
            raise UsageError(
                "bad_pool",
                f"{text!r} is no pool, or the second one of its ledger",
                f"Write LEDGER=WON once a ledger, in whole won; ledgers: {known}.",
            )
        found[Ledger(ledger)] = int(digits)
    return found


def _word(told: Options, name: str, code: str | None) -> str:
    if code is None:
        return ""
    return vocabulary.ko(name, code) if told.language == "ko" else vocabulary.en(name, code)


def _name(told: Options, one: PerformerTotal) -> str:
    if one.performer_id is None:
        return show.word("nobody_yet", told)
    names = (one.name_roman, one.name_ko) if told.language == "en" else (one.name_ko, one.name_roman)
    return next((name for name in names if name), "")


def _pool_table(told: Options, pool: PoolShares) -> None:
    title = f"{pool.period} {_word(told, 'ledger', pool.ledger)} {pool.pool:,} {show.word('won', told)} · {pool.rule}"
    rows = [
        [
            one.performer_id or "",
            _name(told, one),
            _word(told, "mandate", one.mandate),
            f"{one.gross:,}",
            f"{one.payable:,}",
            f"{one.held:,}" if one.held else "",
            ", ".join(_word(told, "hold_reason", reason) for reason in one.hold_reasons),
        ]
        for one in pool.performers
    ]
    total = show.word("total", told)
    rows.append([total, "", "", f"{pool.pool:,}", f"{pool.payable:,}", f"{pool.held:,}", ""])
    columns = ("performer", "name", "mandate", "gross", "payable", "held", "hold_reason")
    show.table(told, title, columns, rows)
    left_out = {
        "ko": f"뺀 이용: 징수구분을 알 수 없음 {pool.no_ledger}건, 다른 달 {pool.other_periods}건.",
        "en": f"Uses left out: {pool.no_ledger} without a ledger, {pool.other_periods} of other months.",
    }
    show.console(told).print(left_out[told.language], markup=False, highlight=False)


def _changes_table(told: Options, changes: list[AttributionChange]) -> None:
    rows = [
        [
            one.recording_id,
            one.use_id,
            one.performer_id,
            ", ".join(show.word(f"change_{what}", told) for what in one.what),
            _side(told, one.mandate_before, one.weight_before),
            _side(told, one.mandate_now, one.weight_now),
            _word(told, "ledger", one.ledger_now),
        ]
        for one in changes
    ]
    columns = ("recording", "use", "performer", "change", "before", "now", "ledger")
    show.table(told, "", columns, rows)


def _side(told: Options, mandate: str | None, weight: str | None) -> str:
    return " ".join(text for text in (_word(told, "mandate", mandate), weight) if text)
