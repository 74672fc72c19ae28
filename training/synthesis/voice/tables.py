"""Figures, one dictionary a row: condition, generator, numbers of trials, rates, areas, costs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rightscan.synthesis.voice.judgement import Calibration
from training.synthesis.voice.calibrate import COUNTS, Pool, log10_lr, queue_threshold
from training.synthesis.voice.dataset import Rows
from training.synthesis.voice.folds import Held, kin
from training.synthesis.voice.metrics import auc, auc_interval, cllr, eer, interval
from training.synthesis.voice.pooling import pools
from training.synthesis.voice.unseen import COUNTERPARTS, MUSIC, Piece

Row = dict[str, Any]
_LONG = max(COUNTS)
_STEPS = ("mp3", "m4a", "opus", "ogg", "noise", "reverb", "speed", "low-pass")


def row(
    condition: str, generator: str, fake: NDArray[np.float64], real: NDArray[np.float64], threshold: float
) -> Row:
    """Return the figures of log10 likelihood ratios float64[n] of both classes."""
    alarms = int((real >= threshold).sum())
    found = int((fake >= threshold).sum())
    both = bool(fake.size and real.size)
    return {
        "condition": condition,
        "generator": generator,
        "n_fake": int(fake.size),
        "n_real": int(real.size),
        "false_alarm_queue": _rate(alarms, real.size),
        "false_alarm_queue_interval": _ends(interval(alarms, real.size)) if real.size else None,
        "false_alarm_assert": None,
        "recall_queue": _rate(found, fake.size),
        "eer": round(eer(fake, real), 3) if both else None,
        "auc": round(auc(fake, real), 3) if both else None,
        "auc_interval": _ends(auc_interval(fake, real)) if both else None,
        "cllr": round(cllr(fake, real), 3) if both else None,
    }


def _rate(hits: int, trials: int) -> float | None:
    return round(hits / trials, 4) if trials else None


def _ends(ends: tuple[float, float]) -> list[float]:
    return [round(end, 3) for end in ends]


def left_out(trials: Pool, ratios: NDArray[np.float64], threshold: float) -> list[Row]:
    """Return the figures per family, family and block of people unseen; and false alarms per site."""
    table = []
    for count, words in ((1, "4 s, family, people and site left out"), (_LONG, "32 s made long, left out")):
        here = trials.windows == count
        for family in np.unique(trials.family):
            own = here & (trials.family == family)
            table.append(row(words, family, ratios[own & trials.fake], ratios[own & ~trials.fake], threshold))
        for site in np.unique(trials.site):
            real = here & ~trials.fake & (trials.site == site)
            if real.any():
                table.append(row(f"{words}: site {site}", "none", np.zeros(0), ratios[real], threshold))
    return table


def control(rows: Rows, held: Held, logit: NDArray[np.float64]) -> list[Row]:
    """Return what the chains alone do: real sound sent through one against the same sound clean.

    An area of 0.5 means that codec, band, noise and room are no cue; the same for fakes.
    """
    chain = rows.chain[held.row]
    clean = chain == "clean"
    table = []
    for fake, words in ((False, "real"), (True, "fake")):
        own = rows.fake[held.row] == fake
        for step in _STEPS:
            sent = own & (np.char.find(chain, step) >= 0)
            if sent.any() and (own & clean).any():
                area = row(
                    f"control: {words} sent through {step}", "none", logit[sent], logit[own & clean], np.inf
                )
                table.append(
                    {
                        key: area[key]
                        for key in ("condition", "generator", "n_fake", "n_real", "auc", "auc_interval")
                    }
                )
    return table


def conditions(
    rows: Rows, held: Held, logit: NDArray[np.float64], calibration: Calibration, threshold: float
) -> list[Row]:
    """Return the figures on single windows of all families left out, by a step of the chain both classes passed."""
    chain, fake = rows.chain[held.row], rows.fake[held.row]
    ratios = np.array([calibration.log10_lr(float(value), 1) for value in logit])
    table = []
    for step in ("clean", *_STEPS):
        own = np.char.find(chain, step) >= 0
        words = f"4 s, family, people and site left out: {step}"
        table.append(row(words, "all", ratios[own & fake], ratios[own & ~fake], threshold))
    return table


def parts(rows: Rows, held: Held, logit: NDArray[np.float64]) -> list[Row]:
    """Return the area per family of trees, network and both on single windows, and of both on clean ones."""
    table = []
    fake, clean = rows.fake[held.row], rows.chain[held.row] == "clean"
    for family in np.unique(rows.family[rows.fake]):
        own = fake & (rows.family[held.row] == family)
        if not own.any():
            continue
        real = ~fake & (held.family == kin(str(family)))
        areas = {
            name: round(auc(values[own], values[real]), 3)
            for name, values in (("trees", held.trees), ("network", held.network), ("both", logit))
        }
        areas["clean"] = round(auc(logit[own & clean], logit[real & clean]), 3)
        counts = {"n_fake": int(own.sum()), "n_real": int(real.sum())}
        table.append({"condition": "4 s, parts", "generator": str(family), **counts, **areas})
    means = {
        key: round(float(np.mean([one[key] for one in table])), 3)
        for key in ("trees", "network", "both", "clean")
    }
    table.append({"condition": "4 s, parts", "generator": "mean", "n_fake": 0, "n_real": 0, **means})
    return table


def new_people(
    rows: Rows, logit: NDArray[np.float64], calibration: Calibration, threshold: float
) -> list[Row]:
    """Return the figures on people and tracks kept aside, of families that were trained on."""
    every = np.arange(len(rows))
    table = []
    for count, words in ((1, "4 s, new people, known families"), (_LONG, "32 s made long, new people")):
        trials = pools(rows, every, np.where(rows.fake, rows.family, "real"), logit, (count,))
        ratios = log10_lr(calibration, trials)
        for family in np.unique(trials.family[trials.fake]):
            own = trials.family == family
            table.append(row(words, str(family), ratios[own], ratios[~trials.fake], threshold))
    return table


def unseen(
    chain: str,
    pieces: list[Piece],
    logits: list[NDArray[np.float64]],
    calibration: Calibration,
    threshold: float,
) -> list[Row]:
    """Return the figures on published generators, per generator, and false alarms per site.

    Args:
        chain: what both classes went through.
        pieces: the files.
        logits: float64[T] of each.
        calibration: of the model.
        threshold: log10 LR from which a file is queued.
    """
    table = []
    generators = sorted({piece.generator for piece in pieces if piece.fake})
    sites = sorted({piece.site for piece in pieces if not piece.fake})
    for words, trial in (("4 s", _windows), ("file", _files), ("32 s made long", _long)):
        condition = f"unseen, {chain}, {words}"
        real = {site: trial(_of(pieces, logits, False, site), calibration) for site in sites}
        for generator in generators:
            fake = trial(_of(pieces, logits, True, generator), calibration)
            others = [real[site] for site in _counterparts(generator, sites)]
            negatives = np.concatenate(others) if others else np.zeros(0)
            if fake.size and negatives.size:
                table.append(row(condition, generator, fake, negatives, threshold))
        table += [
            row(f"{condition}: site {site}", "none", np.zeros(0), real[site], threshold)
            for site in sites
            if real[site].size
        ]
    return table


def site_trials(
    pieces: list[Piece], logits: list[NDArray[np.float64]], calibration: Calibration
) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Return log10 ratios float64[n] and sites str[n] of real sound, in trials of one and of eight windows."""
    ratios, names = [np.zeros(0)], [np.zeros(0, np.str_)]
    for site in sorted({piece.site for piece in pieces if not piece.fake}):
        own = _of(pieces, logits, False, site)
        for trial in (_windows, _long):
            ratios.append(trial(own, calibration))
            names.append(np.full(ratios[-1].size, site))
    return np.concatenate(ratios), np.concatenate(names)


def site_by_site(
    known: tuple[NDArray[np.float64], NDArray[np.str_]], new: tuple[NDArray[np.float64], NDArray[np.str_]]
) -> list[Row]:
    """Return the false alarms of every new site at the threshold that all other sites set: what a new site gets.

    Args:
        known: ratios and sites of cross-validation.
        new: those of sites that no model was trained on.
    """
    table = []
    for site in np.unique(new[1]):
        own = new[1] == site
        ratios = np.concatenate([known[0], new[0][~own]])
        threshold = queue_threshold(ratios, np.concatenate([known[1], new[1][~own]]))
        words = f"site {site}, threshold {threshold} set without it"
        table.append(row(words, "none", np.zeros(0), new[0][own], threshold))
    return table


def _of(
    pieces: list[Piece], logits: list[NDArray[np.float64]], fake: bool, name: str
) -> list[NDArray[np.float64]]:
    """Return the logits of the files of a generator, or of a real site."""
    return [
        own
        for piece, own in zip(pieces, logits, strict=True)
        if piece.fake == fake and name == (piece.generator if fake else piece.site)
    ]


def _counterparts(generator: str, sites: Iterable[str]) -> list[str]:
    wanted = COUNTERPARTS.get(generator)
    return [site for site in sites if (site in wanted if wanted else site.startswith(MUSIC))]


def _windows(logits: list[NDArray[np.float64]], calibration: Calibration) -> NDArray[np.float64]:
    every = np.concatenate(logits) if logits else np.zeros(0)
    return np.array([calibration.log10_lr(float(value), 1) for value in every])


def _files(logits: list[NDArray[np.float64]], calibration: Calibration) -> NDArray[np.float64]:
    return np.array([calibration.log10_lr(float(one.mean()), one.size) for one in logits if one.size])


def _long(logits: list[NDArray[np.float64]], calibration: Calibration) -> NDArray[np.float64]:
    every = np.concatenate(logits) if logits else np.zeros(0)
    return np.array(
        [
            calibration.log10_lr(float(every[start : start + _LONG].mean()), _LONG)
            for start in range(0, every.size - _LONG + 1, _LONG)
        ]
    )


def lines(table: list[Row]) -> list[str]:
    """Return a table as text."""
    shown = ("auc", "eer", "cllr", "recall_queue", "false_alarm_queue", "trees", "network", "both", "clean")
    return [
        f"{r['condition']:60} {r['generator']:28} n {r['n_fake']}/{r['n_real']} "
        + " ".join(f"{key} {r[key]}" for key in shown if r.get(key) is not None)
        for r in table
    ]
