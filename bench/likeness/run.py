"""Runs the trials: every set of stretches under every condition, for the encoder and for the plain statistics."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bench.likeness.embedding import Baseline, Embed, embedded, heard, vector
from bench.likeness.material import Recording, Stretch, joined, singers, songs, speech, stretches
from bench.likeness.measures import Rate, Trials, cllr, eer_with_interval, line
from bench.likeness.pairs import against_rest, every_pair
from bench.likeness.wear import Wear, wears
from numpy.typing import NDArray

from rightscan.likeness import Cohort, Encoder

Float = NDArray[np.float32]

SHORT_S, LONG_S, SUNG_S = 4.0, 15.0, 10.0
_FOLDS = 2


@dataclass(frozen=True)
class System:
    """What is measured: how a sound becomes a vector, and the cohort of its scores."""

    name: str
    embed: Embed
    cohort: Cohort


@dataclass(frozen=True)
class Row:
    """One line of the tables.

    ``low_cost`` is Cllr with lines fitted on other people; NaN where there are too few.
    """

    system: str
    condition: str
    kind: str
    people: int
    same: int
    different: int
    eer: Rate
    low_cost: float

    def told(self) -> dict[str, Any]:
        """As JSON values; None for what is not a number."""
        return {
            "system": self.system,
            "condition": self.condition,
            "kind": self.kind,
            "people": self.people,
            "n_same": self.same,
            "n_different": self.different,
            "eer": _value(self.eer.value),
            "eer_interval": [_value(self.eer.low), _value(self.eer.high)],
            "cllr": _value(self.low_cost),
        }


def measure(
    encoder: Encoder,
    media: Path,
    singing: Path | None,
    say: Callable[[str], None],
    *,
    baseline: bool = True,
) -> list[Row]:
    """Measure everything that the media allow.

    Args:
        encoder: with its cohort.
        media: folder with ``MANIFEST.csv``.
        singing: folder of singers with ``index.csv``; None leaves those rows out.
        say: takes a line of progress.
        baseline: whether the plain statistics are measured too.
    """
    systems = [
        System("encoder", lambda x: vector(heard(encoder, x), encoder.dimensions), Cohort.load(encoder)),
        *([_baseline(media)] if baseline else []),
    ]
    spoken = speech(media, "report")
    sung = songs(media) + (singers(singing) if singing else [])
    rows = []
    for system in systems:
        for part in (_clean, _sung):
            found = part(system, spoken if part is _clean else sung, media)
            rows.extend(found)
            for row in found:
                say(f"{row.system}: {row.condition}, {row.kind}: EER {100 * row.eer.value:.1f} %")
    return rows


def fitted(encoder: Encoder, cohort: Cohort, recordings: Sequence[Recording], seconds: float) -> Trials:
    """Trials of stretches of so many seconds against templates of the rest, for fitting a line."""
    pieces = stretches(list(recordings), seconds)
    several = {one.person for one in pieces if sum(other.person == one.person for other in pieces) > 1}
    pieces = [one for one in pieces if one.person in several]
    rows = embedded(pieces, lambda x: vector(heard(encoder, x), encoder.dimensions))
    return against_rest(pieces, cohort, rows, rows)


def _baseline(media: Path) -> System:
    cohort = [one.sound for one in speech(media, "train")]
    plain = Baseline(cohort)
    return System("log-mel statistics", plain.embed, plain.cohort)


def _clean(system: System, recordings: list[Recording], media: Path) -> list[Row]:
    short = stretches(recordings, SHORT_S)
    vectors = embedded(short, system.embed)
    several = [one for one in recordings if sum(other.person == one.person for other in recordings) > 1]
    long = joined(several, LONG_S)
    long_vectors = embedded(long, system.embed)
    name = "read speech, 4 s"
    cohort = system.cohort
    rows = [
        _row(system, name, "4 s against 4 s", every_pair(short, cohort, vectors, vectors)),
        _row(
            system,
            name,
            "4 s against 4 s, other recordings",
            every_pair(short, cohort, vectors, vectors, between=True),
        ),
        _row(system, name, "4 s against a template", against_rest(short, cohort, vectors, vectors)),
        _row(
            system,
            "read speech, 15 s",
            "15 s against 15 s",
            every_pair(long, cohort, long_vectors, long_vectors),
        ),
        _row(
            system,
            "read speech, 15 s",
            "15 s against a template",
            against_rest(long, cohort, long_vectors, long_vectors),
        ),
    ]
    for wear in wears(media):
        worn = embedded(_worn(short, wear), system.embed)
        rows.append(
            _row(
                system,
                f"{name}, {wear.words}",
                "4 s against 4 s clean",
                every_pair(short, cohort, worn, vectors),
            )
        )
    return rows


def _sung(system: System, recordings: list[Recording], media: Path) -> list[Row]:
    rows = []
    alone = stretches([one for one in recordings if one.register == "singing"], SUNG_S)
    cohort = system.cohort
    if len({one.group for one in alone}) > 1:
        vectors = embedded(alone, system.embed)
        pairs = every_pair(alone, cohort, vectors, vectors, between=True)
        rows.append(_row(system, "solo singing, 10 s", "10 s against 10 s, other recordings", pairs))
        for wear in [one for one in wears(media) if one.name == "backing_6"]:
            worn = embedded(_worn(alone, wear), system.embed)
            pairs = every_pair(alone, cohort, worn, vectors, between=True)
            rows.append(
                _row(system, f"singing, 10 s, {wear.words}", "against 10 s clean, other recordings", pairs)
            )
    spoken = stretches([one for one in recordings if one.register == "speaking"], SHORT_S)
    if len({one.group for one in spoken}) > 1:
        rows.extend(_languages(system, spoken))
    if spoken and alone:
        rows.append(
            _row(system, "singing against speech", "10 s sung, 4 s spoken", _across(system, alone, spoken))
        )
    return rows


def _languages(system: System, spoken: list[Stretch]) -> list[Row]:
    """Korean, and the other languages; different people are always of two languages, for want of their names."""
    vectors = embedded(spoken, system.embed)
    pairs = every_pair(spoken, system.cohort, vectors, vectors)
    names = sorted({one.person for one in spoken})
    korean = {one.person for one in spoken if one.language == "kr"}
    mine = np.array([name in korean for name in names])
    left, right = mine[pairs.left], mine[pairs.right]
    return [
        _row(system, f"{words}, 4 s", "4 s against 4 s", pairs.some(keep))
        for words, keep in (
            ("Korean speech", left | right),
            ("speech in seven other languages", ~(left | right)),
        )
    ]


def _across(system: System, alone: list[Stretch], spoken: list[Stretch]) -> Trials:
    """Song against speech: trials between a sung and a spoken stretch only."""
    every = alone + spoken
    rows = embedded(every, system.embed)
    sung = np.array([one.register == "singing" for one in every])
    names = {name: at for at, name in enumerate(sorted({one.person for one in every}))}
    people = np.array([names[one.person] for one in every])
    groups = np.array([one.group for one in every])
    scores = system.cohort.scores(rows[sung], rows[~sung]).astype(np.float64)
    same = people[sung][:, None] == people[~sung][None, :]
    apart = groups[sung][:, None] != groups[~sung][None, :]
    a, b = np.nonzero(same | apart)
    return Trials(scores[a, b], people[sung][a], people[~sung][b])


def _worn(pieces: Sequence[Stretch], wear: Wear) -> list[Stretch]:
    made = []
    for at, one in enumerate(pieces):
        changed = wear.change(one.sound, at)
        made.append(Stretch(one.person, one.group, one.recordings, one.register, one.language, changed))
    return made


def _row(system: System, condition: str, kind: str, trials: Trials) -> Row:
    same = trials.same
    return Row(
        system.name,
        condition,
        kind,
        trials.people,
        int(same.sum()),
        int((~same).sum()),
        eer_with_interval(trials) if same.any() and (~same).any() else Rate(math.nan, math.nan, math.nan),
        _cost(trials),
    )


def _cost(trials: Trials) -> float:
    """Cllr where the line of each half of the people was fitted on the other half, without trials across halves."""
    last = int(max(trials.left.max(), trials.right.max()))
    side = np.array([zlib.crc32(str(at).encode()) % _FOLDS for at in range(last + 1)])
    ratios, same, weights = [], [], []
    for fold in range(_FOLDS):
        within = (side[trials.left] == fold) & (side[trials.right] == fold)
        others = (side[trials.left] != fold) & (side[trials.right] != fold)
        learnt, asked = trials.some(others), trials.some(within)
        if min(learnt.same.sum(), (~learnt.same).sum(), asked.same.sum(), (~asked.same).sum()) < 3:
            return math.nan
        offset, slope = line(learnt)
        ratios.append(offset + slope * asked.scores)
        same.append(asked.same)
        weights.append(asked.weights)
    return cllr(np.concatenate(ratios), np.concatenate(same), np.concatenate(weights))


def _value(number: float) -> float | None:
    return None if math.isnan(number) else round(number, 4)
