"""The picture behind ``rightscan explain``: peaks, landmarks, evidence over time and the score of one pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rightscan.index.explanation import Explanation, Passage, PeakCloud, Reason
from rightscan.pictures import style as s

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 2100, 1500
"""Pixels."""

Language = Literal["ko", "en"]

_CLOSE_UP_S = 12.0
_LONGEST_NAME = 62
_AROUND_S = 5.0
_THIN = 6  # times longer than what sounds in it: a span whose courses would be needles
_ROWS = 4  # passages listed
_HERTZ = (200, 400, 800, 1600, 3200)
_WORDS: dict[str, tuple[str, str]] = {
    "upload": ("업로드", "upload"),
    "recording": ("음원", "recording"),
    "told": ("일치: 음원이 업로드에 들어 있음", "Match: the recording is in the upload"),
    "not_told": ("일치하지 않음", "No match"),
    "not_comparable": ("비교할 수 없음", "Cannot be compared"),
    "strongest_followed": ("아래: 따라가 본 가장 강한 정렬", "below: the strongest alignment followed"),
    "silent": ("한쪽 파일에 소리가 없음", "one of the files holds no sound"),
    "nothing_followed": (
        "같은 랜드마크가 모이고 화성도 맞는 자리가 한 곳도 없음",
        "there is no place where landmarks gather and the harmony agrees",
    ),
    "score_under_threshold": ("점수가 기준에 못 미침", "the score is under the threshold"),
    "not_a_fixation": (
        "같은 녹음이 아님: 화성은 같아도 시간까지 같지는 않음(같은 곡의 다른 실연일 수 있음)",
        "not the same fixation: the harmony may agree, the timing does not (perhaps another performance)",
    ),
    "timing_too": ("정점의 시간도 맞지 않음", "nor do the peaks agree in time"),
    "another_rule": ("다른 일치가 그 자리를 이미 설명함", "another match explains that place already"),
    "peaks_upload": ("업로드의 스펙트럼 정점", "Spectral peaks of the upload"),
    "peaks_recording": ("음원의 스펙트럼 정점", "Spectral peaks of the recording"),
    "close_up": ("가장 뚜렷한 부분 확대", "close-up of the strongest stretch"),
    "matched_peaks": ("양쪽에 있는 정점", "on both sides"),
    "other_peaks": ("한쪽에만 있는 정점", "on one side only"),
    "plane": ("같은 랜드마크가 놓인 자리", "Equal landmarks"),
    "on_line": ("선 위", "on the line"),
    "off_line": ("그 밖(우연·반복)", "elsewhere (chance, repeats)"),
    "time_upload": ("업로드 시각", "time in the upload"),
    "time_recording": ("음원 시각", "time in the recording"),
    "course": ("정점의 증거 누적", "Evidence of the peaks, summed"),
    "nats": ("로그 우도비 (nat)", "log likelihood ratio (nat)"),
    "harmony_course": ("초마다의 화성 일치도", "Agreement of the harmony, second by second"),
    "harmony_unit": ("표준화 값", "standardised"),
    "chance": ("무관한 소리의 범위", "range of unrelated sound"),
    "places": ("{n}곳, 모두 {seconds}초", "places: {n}, together {seconds} s"),
    "looked_for": (
        "속도·템포·음높이를 바꾼 것도 찾아봄",
        "changed speed, tempo and pitch were looked for too",
    ),
    "scored": ("점수를 낸 10초", "the ten seconds of the score"),
    "none_followed": ("따라간 정렬이 없음", "no alignment was followed"),
    "fixation": ("같은 녹음인지", "the same fixation"),
    "yes": ("예", "yes"),
    "no": ("아니요", "no"),
    "score": ("점수", "Score"),
    "threshold": ("기준", "threshold"),
    "in_upload": ("업로드에서", "in the upload"),
    "in_recording": ("음원에서", "in the recording"),
    "borders": ("경계 오차 (95 %)", "borders, 95 %"),
    "offset": ("시간 차", "offset in time"),
    "speed": ("속도", "speed"),
    "pitch": ("음높이", "pitch"),
    "semitones": ("반음", "semitones"),
    "modification": ("변형", "modification"),
    "none": ("없음", "none"),
    "kind_speed": ("재생 속도", "speed"),
    "kind_tempo": ("템포", "tempo"),
    "kind_pitch": ("음높이", "pitch"),
    "presence": ("들리는 정점의 비율", "share of peaks heard"),
    "sharpness": ("6 ms 안에서 맞는 비율", "share meeting within 6 ms"),
    "coverage": ("들리는 초의 비율", "share of seconds heard"),
    "peaks": ("양쪽에 있는 정점", "peaks on both sides"),
    "landmarks": ("선 위의 랜드마크", "landmarks on the line"),
    "other_passages": ("구간", "passages"),
    "more": ("외 {n}곳", "and {n} more"),
    "unknown": ("알 수 없음", "not known"),
    "shallow": (
        "긴 파일이라 바뀐 속도·음높이는 찾지 않음",
        "long file: changed speed and pitch not looked for",
    ),
}


@dataclass(frozen=True)
class Names:
    """What the two sides are called."""

    upload: str
    recording: str


def words(name: str, language: Language) -> str:
    """Return a word of the picture in the reader's language."""
    return _WORDS[name][0 if language == "ko" else 1]


def why(reasons: tuple[Reason, ...], language: Language) -> str:
    """Return in words why nothing is told; empty for no reason."""
    names = [reason.value for reason in reasons]
    if Reason.SCORE in reasons and Reason.NOT_A_FIXATION in reasons:
        # Of so weak an alignment nothing may be guessed.
        names = [Reason.SCORE.value, "timing_too"]
    return " · ".join(words(name, language) for name in names)


def headline(explanation: Explanation, language: Language) -> str:
    """Return the verdict on the pair in a few words; silence is no verdict."""
    if explanation.told:
        return words("told", language)
    return words("not_comparable" if Reason.SILENT in explanation.reasons else "not_told", language)


def summary(explanation: Explanation, language: Language) -> str:
    """Return one line: how much of the recording is where, or why nothing is told, and what was not looked for."""
    limits = "" if explanation.deep else f" · {words('shallow', language)}"
    if not explanation.told:
        return why(explanation.reasons, language) + limits
    passages = explanation.passages
    seconds = sum(p.media_end - p.media_start for p in passages)
    kinds = dict.fromkeys(kind for p in passages for kind in p.modification.kinds)
    changed = " · ".join(words(f"kind_{kind}", language) for kind in kinds) or words("none", language)
    places = words("places", language).format(n=len(passages), seconds=f"{seconds:.1f}")
    return f"{places} · {words('modification', language)}: {changed}{limits}"


def draw(explanation: Explanation, names: Names, language: Language) -> Figure:
    """Draw what there is to see of a pair, 2,100 by 1,500 pixels.

    Args:
        explanation: the numbers.
        names: of the two sides, as they are to be shown.
        language: of all words.
    """
    shown = Names(*(s.letters(name, _LONGEST_NAME) for name in (names.upload, names.recording)))
    with s.style():
        figure = s.new_figure(WIDTH, HEIGHT)
        grid = figure.add_gridspec(
            3,
            1,
            height_ratios=[0.105, 0.485, 0.41],
            left=0.055,
            right=0.975,
            top=0.975,
            bottom=0.052,
            hspace=0.22,
        )
        _Board(explanation, shown, language).compose(figure, grid)
    return figure


class _Board:
    """One picture in the making."""

    def __init__(self, explanation: Explanation, names: Names, language: Language) -> None:
        self._all = explanation
        self._names = names
        self._language = language
        self._best = explanation.strongest

    def _w(self, name: str) -> str:
        return words(name, self._language)

    def compose(self, figure: Figure, grid: Any) -> None:
        self._header(figure.add_subplot(grid[0]))
        upper = grid[1].subgridspec(1, 2, width_ratios=[0.6, 0.4], wspace=0.13)
        peaks = upper[0].subgridspec(2, 1, hspace=0.36)
        self._peaks(figure.add_subplot(peaks[0]), self._all.upload, side="upload")
        self._peaks(figure.add_subplot(peaks[1]), self._all.recording, side="recording")
        self._plane(figure.add_subplot(upper[1]))
        lower = grid[2].subgridspec(1, 2, width_ratios=[0.6, 0.4], wspace=0.13)
        courses = lower[0].subgridspec(2, 1, height_ratios=[0.56, 0.44], hspace=0.42)
        first = figure.add_subplot(courses[0])
        self._evidence(first)
        self._harmony(figure.add_subplot(courses[1], sharex=first))
        self._facts(figure.add_subplot(lower[1]))

    def _colour(self, passage: Passage) -> str:
        return s.SERIES[self._all.passages.index(passage) % len(s.SERIES)] if self._all.told else s.SERIES[1]

    # ---- head -----------------------------------------------------------------------------------------------
    def _header(self, axes: Axes) -> None:
        s.quiet(axes)
        told = self._all.told
        title = headline(self._all, self._language)
        axes.text(0, 1, title, fontsize=18, weight="bold", va="top", color=s.YES if told else s.INK)
        below = summary(self._all, self._language)
        axes.text(0, 0.12, below, fontsize=10.5, va="center")
        if not told and self._best is not None:
            axes.text(1, 0.12, self._w("strongest_followed"), va="center", ha="right", color=s.MUTED)
        sides = (
            (0.86, "upload", self._names.upload, self._all.upload_s),
            (0.52, "recording", self._names.recording, self._all.recording_s),
        )
        for height, side, name, length in sides:
            axes.text(0.515, height, self._w(side), va="center", color=s.MUTED, ha="right")
            axes.text(0.525, height, name, va="center", weight="bold", fontsize=9.5)
            axes.text(1, height, s.clock(length), va="center", color=s.MUTED, ha="right")

    # ---- peaks ------------------------------------------------------------------------------------------------
    def _close_up(self) -> tuple[float, float]:
        """Return the upload span that is enlarged."""
        if self._best is None:
            return 0.0, min(max(self._all.upload_s, 1.0), _CLOSE_UP_S)
        middle = sum(self._best.strongest) / 2
        low = max(min(middle - _CLOSE_UP_S / 2, self._all.upload_s - _CLOSE_UP_S), 0.0)
        return low, low + _CLOSE_UP_S

    def _peaks(self, axes: Axes, cloud: PeakCloud, side: Literal["upload", "recording"]) -> None:
        low, high = self._close_up()
        if side == "recording" and self._best is not None:
            # The same stretch as above: the two panels lie under each other along the line.
            p = self._best
            low, high = (p.reference_start + p.modification.speed * (t - p.media_start) for t in (low, high))
        elif side == "recording":
            high = low + min(max(self._all.recording_s, 1.0), _CLOSE_UP_S)
        here = (cloud.seconds >= low) & (cloud.seconds < high)
        only, both = here & ~cloud.matched, here & cloud.matched
        colour = s.SERIES[0] if self._best is None else self._colour(self._best)
        axes.scatter(cloud.seconds[only], cloud.hertz[only], s=9, color=s.FAINT, linewidths=0)
        axes.scatter(
            cloud.seconds[both], cloud.hertz[both], s=30, facecolors="none", edgecolors=colour, linewidths=1.2
        )
        axes.scatter(cloud.seconds[both], cloud.hertz[both], s=5, color=colour, linewidths=0)
        axes.set_yscale("log")
        axes.set_ylim(170, 4400)
        axes.set_yticks(_HERTZ, [f"{f:,} Hz" for f in _HERTZ])
        axes.set_yticks([], minor=True)
        axes.set_xlim(low, high)
        s.clock_axis(axes.xaxis, low, high)
        axes.set_title(f"{self._w(f'peaks_{side}')} ", pad=8)
        legend = (
            f"● {self._w('matched_peaks')} {int(both.sum()):,}",
            f"● {self._w('other_peaks')} {int(only.sum()):,}",
        )
        axes.text(1, 1.05, legend[1], transform=axes.transAxes, ha="right", color=s.MUTED, fontsize=8)
        axes.text(0.80, 1.05, legend[0], transform=axes.transAxes, ha="right", color=colour, fontsize=8)
        axes.set_xlabel(self._w(f"time_{side}") + ("" if self._best is None else f" · {self._w('close_up')}"))

    # ---- landmarks ----------------------------------------------------------------------------------------------
    def _plane(self, axes: Axes) -> None:
        marks = self._all.landmarks
        off = marks.passage < 0
        axes.scatter(
            marks.upload[off], marks.recording[off], s=2.2, color=s.FAINT, linewidths=0, rasterized=True
        )
        for number, passage in enumerate(self._all.passages):
            on = marks.passage == number
            colour = self._colour(passage)
            axes.plot(
                (passage.media_start, passage.media_end),
                (passage.reference_start, passage.reference_end),
                color=colour,
                linewidth=7,
                alpha=0.22,
                solid_capstyle="round",
            )
            axes.scatter(marks.upload[on], marks.recording[on], s=4, color=colour, linewidths=0)
            self._number(axes, number, passage)
        width, height = max(self._all.upload_s, 1.0), max(self._all.recording_s, 1.0)
        axes.set_xlim(0, width)
        axes.set_ylim(0, height)
        s.clock_axis(axes.xaxis, 0, width)
        s.clock_axis(axes.yaxis, 0, height)
        axes.set_xlabel(self._w("time_upload"))
        axes.set_ylabel(self._w("time_recording"))
        axes.set_title(self._w("plane"), pad=8)
        on_all = int((~off).sum())
        colour = s.SERIES[0] if self._best is None else self._colour(self._best)
        right = axes.text(
            1, 1.02, f"● {self._w('off_line')} {marks.strays:,}", transform=axes.transAxes, ha="right",
            color=s.MUTED, fontsize=8,
        )  # fmt: skip
        axes.annotate(
            f"● {self._w('on_line')} {on_all:,}   ", (0, 0), xycoords=right, ha="right", va="bottom",
            color=colour, fontsize=8,
        )  # fmt: skip

    def _number(self, axes: Axes, number: int, passage: Passage) -> None:
        """Number a passage where there are several."""
        if len(self._all.passages) > 1:
            middle = (
                (passage.media_start + passage.media_end) / 2,
                (passage.reference_start + passage.reference_end) / 2,
            )
            axes.annotate(
                str(number + 1), middle, (0, 13), textcoords="offset points", ha="center", va="center",
                fontsize=8.5, weight="bold", color=s.PAPER,
                bbox={"boxstyle": "circle,pad=0.25", "facecolor": self._colour(passage), "linewidth": 0},
            )  # fmt: skip

    # ---- evidence over time -----------------------------------------------------------------------------------
    def _span(self) -> tuple[float, float]:
        """Return the upload span of the evidence: all of it, else the passages, else the strongest of them."""
        whole = max(self._all.upload_s, 1.0)
        passages = self._all.passages
        sounding = sum(p.media_end - p.media_start for p in passages)
        low = min((p.media_start for p in passages), default=0.0) - _AROUND_S
        high = max((p.media_end for p in passages), default=whole) + _AROUND_S
        if high - low > _THIN * sounding and self._best is not None:
            low, high = self._best.media_start - _AROUND_S, self._best.media_end + _AROUND_S
        return (0.0, whole) if high - low > 0.4 * whole else (max(low, 0.0), min(high, whole))

    def _evidence(self, axes: Axes) -> None:
        axes.set_title(self._w("course"), pad=8)
        axes.set_ylabel(self._w("nats"))
        axes.axhline(0, color=s.RULE, linewidth=1)
        for passage in self._all.passages:
            colour, course = self._colour(passage), passage.course
            inside = (course.seconds >= passage.media_start) & (course.seconds < passage.media_end)
            axes.plot(course.seconds, course.nats, color=s.FAINT, linewidth=1.6)
            axes.plot(course.seconds[inside], course.nats[inside], color=colour, linewidth=2.2)
            axes.fill_between(
                course.seconds[inside], course.nats[inside], color=colour, alpha=0.10, linewidth=0
            )
            self._borders(axes, passage)
        if not self._all.passages:
            self._nothing(axes, 1.0)
        self._time(axes)
        axes.tick_params(labelbottom=False)

    def _nothing(self, axes: Axes, height: float) -> None:
        """Say in an empty panel that it is empty by itself and not by mistake."""
        axes.set_ylim(-0.3 * height, height)
        note = self._w("none_followed")
        axes.text(0.5, 0.6, note, transform=axes.transAxes, ha="center", va="center", color=s.MUTED)

    def _harmony(self, axes: Axes) -> None:
        axes.set_title(self._w("harmony_course"), pad=8)
        axes.set_ylabel(self._w("harmony_unit"))
        axes.axhspan(-4, 4, color="#eef1f4", linewidth=0)
        axes.axhline(0, color=s.RULE, linewidth=1)
        chance = axes.text(
            1, 1.07, f"■ {self._w('chance')}", transform=axes.transAxes, ha="right", color=s.MUTED, fontsize=8
        )
        if self._best is not None:
            axes.annotate(
                f"— {self._w('scored')}   ", (0, 0), xycoords=chance, ha="right", va="bottom", fontsize=8
            )
        for passage in self._all.passages:
            course = passage.course
            inside = (course.harmony_from >= passage.media_start - 0.5) & (
                course.harmony_from < passage.media_end - 0.5
            )
            for chosen, colour in ((inside, self._colour(passage)), (~inside, s.FAINT)):
                axes.bar(
                    course.harmony_from[chosen],
                    course.harmony[chosen],
                    width=0.86,
                    align="edge",
                    color=colour,
                )
            self._borders(axes, passage)
        if not self._all.passages:
            self._nothing(axes, 20.0)
        elif self._best is not None:
            top = axes.get_ylim()[1]
            axes.plot(self._best.strongest, (top, top), color=s.INK, linewidth=3, solid_capstyle="butt")
        self._time(axes)
        whole = self._span()[1] - self._span()[0] >= self._all.upload_s
        axes.set_xlabel(self._w("time_upload") + ("" if whole else f" · {self._w('close_up')}"))

    def _borders(self, axes: Axes, passage: Passage) -> None:
        colour = self._colour(passage)
        for at, width in zip((passage.media_start, passage.media_end), passage.bounds, strict=True):
            axes.axvspan(at - width, at + width, color=colour, alpha=0.13, linewidth=0)
            axes.axvline(at, color=colour, linewidth=0.9, linestyle=(0, (4, 2)))

    def _time(self, axes: Axes) -> None:
        low, high = self._span()
        axes.set_xlim(low, high)
        s.clock_axis(axes.xaxis, low, high)

    # ---- facts ------------------------------------------------------------------------------------------------
    def _facts(self, axes: Axes) -> None:
        s.quiet(axes)
        axes.text(0, 1.03, self._w("score"), fontsize=10.5, weight="bold", va="bottom")
        self._gauge(axes)
        rows = [] if self._best is None else self._rows(self._best)
        if self._best is None and self._all.deep and Reason.SILENT not in self._all.reasons:
            axes.text(0, 0.655, self._w("looked_for"), va="center", color=s.MUTED, fontsize=8.5)
        left = -(-len(rows) // 2)
        for n, (name, value) in enumerate(rows):
            x, at = (0.0, 0.655 - n * 0.064) if n < left else (0.53, 0.655 - (n - left) * 0.064)
            axes.text(x, at, name, va="center", color=s.MUTED, fontsize=8)
            axes.text(x + 0.47, at, value, va="center", ha="right", fontsize=8.5, weight="bold")
        if len(self._all.passages) > 1:
            self._table(axes, 0.655 - left * 0.064 - 0.035)

    def _gauge(self, axes: Axes) -> None:
        """Draw the score on a scale that holds the threshold."""
        score = 0.0 if self._best is None else self._best.log10_lr
        limit = self._all.threshold
        end = max(10.0, 1.15 * score)
        low = min(-3.0, score)
        place = [(x - low) / (end - low) * 0.995 for x in (0.0, score, limit)]
        # Enough of a score is not yet a match: only a match is green.
        colour = s.YES if self._all.told else s.MUTED if score >= limit else s.NO
        axes.add_patch(_bar(0, 0.995, "#eceff2"))
        if self._best is not None:
            axes.add_patch(_bar(min(place[0], place[1]), max(place[0], place[1]), colour))
        axes.plot((place[2], place[2]), (0.795, 0.895), color=s.INK, linewidth=1.6)
        axes.text(
            place[2],
            0.775,
            f"{self._w('threshold')} {limit:.1f}",
            ha="center",
            va="top",
            fontsize=8,
            color=s.INK,
        )
        value = "log10 LR —" if self._best is None else f"log10 LR {score:.1f}"
        axes.text(0.995, 0.93, value, ha="right", va="bottom", fontsize=14, weight="bold", color=colour)

    def _rows(self, p: Passage) -> list[tuple[str, str]]:
        share = "{:.0%}".format
        kinds = " · ".join(self._w(f"kind_{kind}") for kind in p.modification.kinds) or self._w("none")
        start, end = p.bounds
        rows = [
            (self._w("in_upload"), f"{s.clock(p.media_start, 2)} – {s.clock(p.media_end, 2)}"),
            (self._w("in_recording"), f"{s.clock(p.reference_start, 2)} – {s.clock(p.reference_end, 2)}"),
            (self._w("borders"), f"±{start:.2f} s, ±{end:.2f} s"),
            (self._w("offset"), f"{p.offset_s:+.3f} s"),
            (self._w("speed"), f"× {p.modification.speed:.4f}"),
            (self._w("pitch"), f"{p.modification.pitch_semitones:+.2f} {self._w('semitones')}"),
            (self._w("presence"), share(p.presence)),
            (self._w("sharpness"), self._w("unknown") if p.sharpness is None else share(p.sharpness)),
            (self._w("coverage"), share(p.coverage)),
            (self._w("peaks"), f"{p.matched:,} / {p.of:,}"),
            (self._w("landmarks"), f"{p.landmarks:,}"),
        ]
        if self._all.told:
            rows.insert(6, (self._w("modification"), kinds))
        else:
            fixed = Reason.NOT_A_FIXATION not in self._all.reasons
            rows.insert(6, (self._w("fixation"), self._w("yes" if fixed else "no")))
        return rows

    def _table(self, axes: Axes, top: float) -> None:
        axes.plot((0, 0.995), (top + 0.05, top + 0.05), color=s.RULE, linewidth=1)
        for n, p in enumerate(self._all.passages[:_ROWS]):
            at = top - 0.062 * n
            weight = "bold" if p is self._best else "normal"
            cells = (
                (0.0, f"{n + 1}"),
                (0.05, f"{s.clock(p.media_start)}–{s.clock(p.media_end)}"),
                (0.34, f"← {s.clock(p.reference_start)}–{s.clock(p.reference_end)}"),
                (0.68, f"LR {p.log10_lr:.1f}"),
                (0.84, f"× {p.modification.speed:.3f}"),
            )
            for x, text in cells:
                axes.text(x, at, text, va="center", fontsize=8.5, color=self._colour(p), weight=weight)
        left = len(self._all.passages) - _ROWS
        if left > 0:
            more = self._w("more").format(n=left)
            axes.text(0.05, top - 0.062 * _ROWS, more, va="center", fontsize=8.5, color=s.MUTED)


def _bar(low: float, high: float, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((low, 0.81), max(high - low, 0.002), 0.07, facecolor=colour, linewidth=0)
