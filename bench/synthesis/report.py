"""From rows to figures: generators, groups, sites, conditions, decoder levels; as a dictionary and as Markdown."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from bench.pages import false_words, number, percent
from bench.synthesis import decoder_made, measures
from bench.synthesis.changes import BY_NAME, CLEAN
from bench.synthesis.long_made import PREFIX
from bench.synthesis.measures import Comparison, Scored
from bench.synthesis.run import Row

OWN_REALS = 8
"""The real files beside a generator's, or of the same sources, are negatives of their own from so many on."""

_DRAWS = 1000
_RATIO_OFF = 0.002
Groups = Mapping[str, Mapping[str, Sequence[str]]]
"""By name: patterns of generators (``fakes``) and of the real sets against which they stand (``reals``; none: all)."""


def group_of(text: str) -> tuple[str, dict[str, list[str]]]:
    """Read ``name=pattern,pattern[:real,real]``.

    Raises:
        ValueError: it reads otherwise.
    """
    name, equals, rest = text.partition("=")
    fakes, _, reals = rest.partition(":")
    if not name or not equals or not fakes:
        raise ValueError(f"{text}: a group reads NAME=PATTERN,PATTERN or NAME=PATTERN:REAL,REAL")
    return name, {"fakes": fakes.split(","), "reals": reals.split(",") if reals else []}


def _matches(name: str, patterns: Sequence[str]) -> bool:
    """Match the name or, of joined clips, that of what they were joined from."""
    names = (name, name.removeprefix(PREFIX))
    return any(fnmatch.fnmatchcase(n, p) for n in names for p in patterns)


def scored(rows: Sequence[Row]) -> Scored:
    """Take the scores of rows; none is lower than any."""
    return Scored.of([r.score for r in rows], [r.source for r in rows])


def of_classes(reals: Sequence[Row], fakes: Sequence[Row], draws: int = _DRAWS) -> dict[str, Any]:
    """Compare what people made with what machines made.

    Args:
        reals: negatives.
        fakes: positives.
        draws: of the intervals.
    """
    told = Comparison(scored(reals), scored(fakes)).told(draws)
    for name, rows in (("real", reals), ("fake", fakes)):
        sources = [r.source for r in rows]
        told[f"queue_{name}"] = measures.share([r.queued for r in rows], sources)
        told[f"assert_{name}"] = measures.share([r.asserted for r in rows], sources)
        told[f"inconclusive_{name}"] = measures.share([r.inconclusive for r in rows], sources)
        told[f"failed_{name}"] = sum(r.error is not None for r in rows)
        told[f"seconds_{name}"] = median(r.seconds for r in rows) if rows else None
    told["cllr"] = measures.cllr(_ratios(reals), _ratios(fakes))
    return told


def _ratios(rows: Iterable[Row]) -> list[float]:
    return [r.answer.log10_lr for r in rows if r.answer and r.answer.log10_lr is not None]


def _names(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(r.made_by for r in rows))


# ---- figures ------------------------------------------------------------------------------------------------
def clean(rows: Sequence[Row], groups: Groups, draws: int = _DRAWS) -> dict[str, Any]:
    """Return the figures of unchanged sound: by generator, by group, by site."""
    rows = [r for r in rows if r.condition == CLEAN.name]
    reals = [r for r in rows if not r.fake]
    fakes = [r for r in rows if r.fake]
    generators: dict[str, Any] = {}
    for name in _names(fakes):
        mine = [r for r in fakes if r.made_by == name]
        sources = {r.source for r in mine}
        own = [r for r in reals if r.made_by == name or r.source in sources]
        body = of_classes(reals, mine, draws)
        if len(own) >= OWN_REALS:
            body["own"] = Comparison(scored(own), scored(mine)).told(draws)
        body["families"] = _counted(r.answer.family for r in mine if r.answer and r.answer.family)
        body["failing"] = _counted(c for r in mine if r.answer for c in r.answer.conditions)
        generators[name] = body
    told_groups = {}
    for name, patterns in (("all", {"fakes": ["*"], "reals": []}), *groups.items()):
        told_groups[name] = _group(reals, fakes, patterns, draws)
    return {
        "generators": generators,
        "groups": told_groups,
        "sites": sites(reals),
        "loudest_reals": _loudest(reals),
        "errors": _counted(r.error for r in rows if r.error),
    }


def _group(
    reals: Sequence[Row], fakes: Sequence[Row], patterns: Mapping[str, Sequence[str]], draws: int
) -> dict[str, Any]:
    mine = [r for r in fakes if _matches(r.made_by, patterns["fakes"])]
    wanted = patterns["reals"]
    against = [r for r in reals if not wanted or _matches(r.made_by, [*wanted, *patterns["fakes"]])]
    body = of_classes(against, mine, draws)
    each = [
        Comparison(scored(against), scored([r for r in mine if r.made_by == name])) for name in _names(mine)
    ]
    if against and each:
        aucs = [c.told(0)["auc"]["value"] for c in each]
        eers = [c.told(0)["eer"]["value"] for c in each]
        body |= {"mean_auc": fmean(aucs), "least_auc": min(aucs)}
        body |= {"mean_eer": fmean(eers), "largest_eer": max(eers), "generators": len(each)}
    return body


def sites(reals: Sequence[Row]) -> dict[str, Any]:
    """Return false alarms of every site of what people made, and of all together."""
    told = {}
    for name in [*sorted({r.site for r in reals}), "all"]:
        rows = [r for r in reals if name in (r.site, "all")]
        sources = [r.source for r in rows]
        told[name] = {
            "n": len(rows),
            "sources": len(set(sources)),
            "queue": measures.share([r.queued for r in rows], sources),
            "assert": measures.share([r.asserted for r in rows], sources),
            "inconclusive": measures.share([r.inconclusive for r in rows], sources),
            "highest": max((r.score for r in rows if r.score is not None), default=None),
        }
    return told


def _loudest(reals: Sequence[Row], most: int = 10) -> list[dict[str, Any]]:
    """List what people made that scored highest: to be listened to."""
    known = [r for r in reals if r.score is not None and r.answer]
    return [
        {
            "name": r.name,
            "site": r.site,
            "score": r.score,
            "log10_lr": r.answer.log10_lr if r.answer else None,
            "family": r.answer.family if r.answer else None,
            "queue": r.queued,
            "assert": r.asserted,
        }
        for r in sorted(known, key=lambda r: -(r.score or 0))[:most]
    ]


def _counted(words: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))


def robust(rows: Sequence[Row], draws: int = _DRAWS) -> dict[str, Any]:
    """Return what every condition costs, each against the unchanged sound of the same items."""
    plain = {_key(r): r for r in rows if r.condition == CLEAN.name}
    by_name: dict[str, list[Row]] = {}
    for r in rows:
        by_name.setdefault(r.condition, []).append(r)
    return {
        name: _condition(by_name[name], plain, draws)
        for name in sorted(by_name, key=list(BY_NAME).index)
        if any(r.fake for r in by_name[name])
    }


def _key(r: Row) -> tuple[str, bool, str, str]:
    return r.made_by, r.fake, r.name, r.source


def _condition(rows: Sequence[Row], plain: Mapping[Any, Row], draws: int) -> dict[str, Any]:
    reals, fakes = [r for r in rows if not r.fake], [r for r in rows if r.fake]
    told = of_classes(reals, fakes, draws)
    pairs = [(plain[_key(r)], r) for r in fakes if _key(r) in plain]
    sources = [after.source for _, after in pairs]
    told["loss_queue"] = measures.loss(
        [a.queued for a, _ in pairs], [b.queued for _, b in pairs], sources, draws
    )
    clean_reals = [plain[_key(r)] for r in reals if _key(r) in plain]
    if told.get("recall_1") and clean_reals:
        changed_limit = told["recall_1"]["threshold"]
        limit = Comparison(scored(clean_reals), scored(fakes)).recall_told(0.01, 0)
        if limit is not None:
            told["loss_1"] = measures.loss(
                [_above(a, limit["threshold"]) for a, _ in pairs],
                [_above(b, changed_limit) for _, b in pairs],
                sources,
                draws,
            )
    ratio = BY_NAME[rows[0].condition].ratio
    measured = [r for r in fakes if ratio and r.queued and r.answer and r.answer.ratio]
    if ratio and measured:
        near = [
            abs((r.answer.ratio or 0) / ratio - 1) <= _RATIO_OFF for r in measured if r.answer is not None
        ]
        told["ratio"] = measures.share(near, [r.source for r in measured])
    return told


def _above(row: Row, threshold: float) -> bool:
    return row.score is not None and row.score > threshold


def controls(rows: Sequence[Row], groups: Groups, draws: int = _DRAWS) -> dict[str, Any]:
    """Return what unchanged fakes are worth against real clips that went through a sample rate or a codec.

    Real sound that is flagged only after such a change shows that the change, not the machine, was found.
    """
    fakes = [r for r in rows if r.fake and r.condition == CLEAN.name]
    told: dict[str, Any] = {}
    for name in dict.fromkeys(r.condition for r in rows if not r.fake):
        reals = [r for r in rows if not r.fake and r.condition == name]
        everything = {"all": {"fakes": ["*"], "reals": []}, **groups}
        told[name] = {group: _group(reals, fakes, p, draws) for group, p in everything.items()}
    return told


def levels(rows: Sequence[Row], draws: int = _DRAWS) -> dict[str, Any]:
    """Return recall over the level of the lines for every decoder, against the controls without lines."""
    told: dict[str, Any] = {}
    reals = [r for r in rows if not r.fake]
    for decoder in decoder_made.DECODERS:
        title = f"{decoder_made.PREFIX}{decoder.name}"
        cells = {}
        for name in _names(r for r in rows if r.fake and r.made_by.startswith(f"{title} ")):
            level = name.removeprefix(f"{title} ")
            cells[level] = of_classes(reals, [r for r in rows if r.made_by == name], draws)
        if cells:
            told[decoder.name] = cells
    return told


# ---- words --------------------------------------------------------------------------------------------------
def of_interval(value: Mapping[str, Any] | None, form: str = ".3f") -> str:
    """Write a figure with its interval: 0.973 (0.951 to 0.990)."""
    if value is None:
        return "–"
    return f"{value['value']:{form}} ({value['low']:{form}} to {value['high']:{form}})"


def at_rate(told: Mapping[str, Any], name: str) -> str:
    """Write recall at a rate of false alarms; where the negatives are too few to state the rate, that."""
    if told.get(name) is None:
        return f"not stated, n = {told['n_real']}"
    return percent(told[name])


def _eer(told: Mapping[str, Any]) -> str:
    if "eer" not in told:
        return "–"
    return of_interval({k: 100 * v for k, v in told["eer"].items()}, ".0f")


def _row_of_classes(name: str, t: Mapping[str, Any]) -> str:
    return (
        f"| {name} | {t['n_fake']} ({t['sources_fake']}) / {t['n_real']} ({t['sources_real']}) "
        f"| {number(t['seconds_fake'], '.0f')} | {of_interval(t.get('auc'))} | {_eer(t)} "
        f"| {at_rate(t, 'recall_1')} | {at_rate(t, 'recall_01')} | {percent(t['queue_fake'])} "
        f"| {percent(t['assert_fake'])} | {percent(t['inconclusive_fake'])} |"
    )


_HEAD = [
    "| {} | fake / real: n (sources) | s | AUC (95 %) | EER % | recall % at 1 % false | at 0.1 % | QUEUE: recall % | "
    "ASSERT: recall % | inconclusive % |",
    "|---|---|---|---|---|---|---|---|---|---|",
]


def clean_tables(told: Mapping[str, Any]) -> list[str]:
    """Write groups, generators, sites and the real clips that scored highest."""
    lines: list[str] = []
    groups, generators = told["groups"], told["generators"]
    if generators:
        lines += [_HEAD[0].format("group"), _HEAD[1]]
        lines += [_row_of_classes(f"**{name}**", t) for name, t in groups.items() if t["n_fake"]]
        lines += ["", *_group_words(groups), ""]
        lines += [_HEAD[0].format("generator, against all real"), _HEAD[1]]
        lines += [_row_of_classes(name, t) for name, t in generators.items()]
        lines.append("")
        lines += _own_table(generators)
    lines += site_table(told["sites"])
    if told["loudest_reals"]:
        lines += ["Highest scores of what people made:", ""]
        lines += ["| | site | score | log10 LR | family | QUEUE | ASSERT |", "|---|---|---|---|---|---|---|"]
        lines += [
            f"| {r['name']} | {r['site']} | {r['score']:.3f} | {number(r['log10_lr'])} | {r['family'] or '–'} |"
            f" {'yes' if r['queue'] else 'no'} | {'yes' if r['assert'] else 'no'} |"
            for r in told["loudest_reals"]
        ]
        lines.append("")
    lines += [f"Failed: {error} ({count})" for error, count in told["errors"].items()]
    return lines


def _group_words(groups: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, t in groups.items():
        if not t["n_fake"] or not t["n_real"]:
            continue
        words = (
            f"{name}: mean AUC of {t['generators']} generators {t['mean_auc']:.3f}, least {t['least_auc']:.3f}; "
            f"mean EER {100 * t['mean_eer']:.1f} %, largest {100 * t['largest_eer']:.1f} %; "
            f"recall above all {t['n_real']} real clips {percent(t['recall_above_all'])} %; "
            f"false alarms at QUEUE {false_words(t['queue_real'])}, at ASSERT {false_words(t['assert_real'])}; "
            f"inconclusive: real {percent(t['inconclusive_real'])} %"
        )
        lines.append(f"- {words}; Cllr {number(t['cllr'])}.")
    return lines


def _own_table(generators: Mapping[str, Any]) -> list[str]:
    own = {name: t["own"] for name, t in generators.items() if "own" in t}
    if not own:
        return []
    lines = [
        "| generator, against real files of its own or of its sources | fake / real | AUC (95 %) | EER % |",
        "|---|---|---|---|",
    ]
    for name, t in own.items():
        lines.append(f"| {name} | {t['n_fake']} / {t['n_real']} | {of_interval(t['auc'])} | {_eer(t)} |")
    return [*lines, ""]


def site_table(told: Mapping[str, Any]) -> list[str]:
    """Write false alarms by site."""
    lines = [
        "| what people made, by site | n (sources) | flagged at QUEUE (95 %) | at ASSERT | inconclusive % | "
        "highest score |",
        "|---|---|---|---|---|---|",
    ]
    for name, s in told.items():
        title = f"**{name}**" if name == "all" else name
        lines.append(
            f"| {title} | {s['n']} ({s['sources']}) | {false_words(s['queue'])} | {false_words(s['assert'])} |"
            f" {percent(s['inconclusive'])} | {number(s['highest'], '.3f')} |"
        )
    return [*lines, ""]


def control_table(told: Mapping[str, Any]) -> list[str]:
    """Write what unchanged fakes are worth against changed real clips."""
    lines = [
        "| real clips under, against unchanged fakes | group | fake / real | AUC (95 %) | recall % at 1 % "
        "| false at QUEUE | false at ASSERT |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, groups in told.items():
        lines += [
            f"| {name} | {group} | {t['n_fake']} / {t['n_real']} | {of_interval(t.get('auc'))} |"
            f" {at_rate(t, 'recall_1')} | {false_words(t['queue_real'])} | {false_words(t['assert_real'])} |"
            for group, t in groups.items()
        ]
    return [*lines, ""]


def _points(loss: Mapping[str, Any] | None) -> str:
    if loss is None or loss["points"] is None:
        return "–"
    return f"{loss['points']:.0f} ({loss['low']:.0f} to {loss['high']:.0f})"


def robust_table(told: Mapping[str, Any]) -> list[str]:
    """Write what every condition costs."""
    lines = [
        "Loss: points of recall less than of the same clips unchanged; at QUEUE by the engine's own threshold, at 1 % "
        "by the threshold of the real clips under the same condition. Negative: more are found than before.",
        "",
        "| condition | fake / real | AUC (95 %) | recall %, QUEUE | loss | recall % at 1 % | loss | false at QUEUE | "
        "false at ASSERT | inconclusive % | ratio within 0.2 % |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, t in told.items():
        lines.append(
            f"| {name} | {t['n_fake']} / {t['n_real']} | {of_interval(t.get('auc'))} | {percent(t['queue_fake'])} |"
            f" {_points(t['loss_queue'])} | {at_rate(t, 'recall_1')} | {_points(t.get('loss_1'))} |"
            f" {false_words(t['queue_real'])} | {false_words(t['assert_real'])} | {percent(t['inconclusive_fake'])} |"
            f" {percent(t['ratio']) if 'ratio' in t else '–'} |"
        )
    return [*lines, ""]


def level_table(told: Mapping[str, Any]) -> list[str]:
    """Write AUC and recall at QUEUE over the level of the lines."""
    if not told:
        return []
    names = list(dict.fromkeys(level for cells in told.values() for level in cells))
    lines = [
        "AUC / recall % at QUEUE over the level of the lines (made here), against the same music through the same "
        "sample rates without lines:",
        "",
        "| decoder | n | " + " | ".join(names) + " |",
        "|---|---|" + "---|" * len(names),
    ]
    for decoder, cells in told.items():
        words = [
            f"{cells[n]['auc']['value']:.3f} / {percent(cells[n]['queue_fake'])}" if n in cells else "–"
            for n in names
        ]
        lines.append(f"| {decoder} | {next(iter(cells.values()))['n_fake']} | " + " | ".join(words) + " |")
    return [*lines, ""]


def cost_table(told: Mapping[str, Any]) -> list[str]:
    """Write processor seconds and memory."""
    start = told["start"]
    lines = [
        f"Loading the engine: {start['load_cpu_s']:.2f} CPU-s; a first second of sound: "
        f"{start['first_cpu_s']:.2f} CPU-s, {start['peak_mb']:.0f} MB.",
        "",
        "| length of the file | CPU-s | CPU-s a minute | peak memory |",
        "|---|---|---|---|",
    ]
    for length, c in told["lengths"].items():
        seconds = float(length)
        lines.append(
            f"| {seconds:.0f} s | {c['cpu_s']:.2f} | {60 * c['cpu_s'] / seconds:.2f} | {c['peak_mb']:.0f} MB |"
        )
    return [*lines, ""]
