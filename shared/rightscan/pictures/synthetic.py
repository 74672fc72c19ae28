"""The picture behind ``rightscan classify``: the line spectrum with the lattice marked, folded, and the timeline."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from rightscan.pictures import style as s
from rightscan.rights import vocabulary
from rightscan.synthesis import CALIBRATION, Evidence, Judgement, Outcome
from rightscan.synthesis.lattice import Comb, lowest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 2100, 1500
"""Pixels."""

Language = Literal["ko", "en"]

_DB = 6.0  # of one unit of a line spectrum
_CLOSE_UP = 8  # spacings that are enlarged
_LEAST_DB = 4.0  # of the folded curve shown
_PHASES = 241  # of the folded curve
_LOWEST, _HIGHEST = -2.0, 30.0  # of the scores shown; higher ones touch the top, with their figure
_LONGEST_NAME = 62
_COLOURS = {Outcome.DETECTED: s.SERIES[1], Outcome.INCONCLUSIVE: s.SERIES[4], Outcome.NONE_FOUND: s.NO}

_WORDS: dict[str, tuple[str, str]] = {
    "detected": ("합성 검출", "Synthesis detected"),
    "none_found": ("합성 흔적을 찾지 못함", "No sign of synthesis found"),
    "inconclusive": ("판정 불가", "Inconclusive"),
    "declared": ("AI 표시됨", "Declared to be made by AI"),
    "not_tested": ("소리를 검사하지 않음", "The sound was not tested"),
    "score": ("점수", "score"),
    "queue": ("확인 요청 기준", "a person looks from"),
    "sure": ("판정 기준", "told from"),
    "lattice": ("격자", "lattice"),
    "spacing": ("선 간격", "spacing of the lines"),
    "changed": ("속도·음높이 변경", "changed speed or pitch"),
    "conditions": ("분석조건", "Conditions"),
    "no_conditions": ("검증된 조건을 모두 충족", "all validated conditions are met"),
    "spectrum": ("파일 내내 남아 있는 스펙트럼 선", "Spectral lines that stay through the file"),
    "at_lattice": ("격자의 배수 자리", "at the multiples of the lattice"),
    "elsewhere": ("그 밖의 주파수", "other frequencies"),
    "over": ("주변보다 높은 정도 (dB)", "over the neighbourhood (dB)"),
    "frequency": ("주파수 (Hz)", "frequency (Hz)"),
    "close_up": ("확대", "Close-up"),
    "folded": ("한 간격으로 접어 평균", "All of it folded over one spacing"),
    "phase": ("격자 선에서 떨어진 거리 (Hz)", "distance from the lattice's line (Hz)"),
    "timeline": ("구간별 점수", "Score by stretch"),
    "time": ("시각", "time"),
    "candidate": (
        "가장 강한 후보(기준 미달): 증거가 아님",
        "strongest candidate, under the threshold: no evidence",
    ),
    "no_lines": ("소리가 없거나 너무 짧아 선을 볼 수 없음", "no sound, or too little of it to see lines"),
    "caption": (
        "생성 모델의 디코더는 업샘플링 간격의 배수 주파수에 가는 선을 남깁니다. 선이 없다고 사람이 만든 소리라는 뜻은 "
        "아닙니다: 이런 선을 남기지 않는 합성(ISTFT·확산·자기회귀 보코더 등)이 있고, 잡음이나 속도 흔들림이 "
        "선을 지웁니다. "
        "기계의 추정이며 사람이 판단합니다.",
        "Decoders of generative models leave thin lines at the multiples of their upsampling rate. That there are "
        "none does not mean that people made the sound: some synthesis leaves none (ISTFT, diffusion, "
        "autoregressive vocoders), and noise or unsteady speed wipe them out. A machine's estimate; a person decides.",
    ),
}


@dataclass(frozen=True)
class Subject:
    """What is drawn.

    Attributes:
        name: of the file.
        duration_s: of its sound.
        axis_c: the word of the file, declared before detected.
        declared: who declared what, in words.
        conditions: words of the ``condition`` list.
        evidence: of the sound; None where it was not looked at.
        judgement: of the evidence.
    """

    name: str
    duration_s: float
    axis_c: str
    declared: str
    conditions: Sequence[str]
    evidence: Evidence | None
    judgement: Judgement | None


def words(name: str, language: Language) -> str:
    """Return a word of the picture in the reader's language."""
    return _WORDS[name][0 if language == "ko" else 1]


def draw(subject: Subject, language: Language) -> Figure:
    """Draw what there is to see of one file, 2,100 by 1,500 pixels."""
    with s.style():
        figure = s.new_figure(WIDTH, HEIGHT)
        grid = figure.add_gridspec(
            4,
            1,
            height_ratios=[0.12, 0.40, 0.33, 0.10],
            left=0.06,
            right=0.975,
            top=0.97,
            bottom=0.03,
            hspace=0.42,
        )
        _Board(subject, language).compose(figure, grid)
    return figure


class _Board:
    """One picture in the making."""

    def __init__(self, subject: Subject, language: Language) -> None:
        self._subject = subject
        self._language = language
        self._comb = _shown_comb(subject.evidence, subject.judgement)

    def _w(self, name: str) -> str:
        return words(name, self._language)

    def compose(self, figure: Figure, grid: Any) -> None:
        self._header(figure.add_subplot(grid[0]))
        upper = grid[1].subgridspec(1, 2, width_ratios=[0.66, 0.34], wspace=0.13)
        right = upper[1].subgridspec(2, 1, hspace=0.75)
        panels = [figure.add_subplot(place) for place in (upper[0], right[0], right[1])]
        if self._subject.evidence is None or self._subject.evidence.lines is None or self._comb is None:
            for panel in panels:
                s.quiet(panel)
            panels[0].text(0, 0.5, self._w("no_lines"), fontsize=11, color=s.MUTED)
        else:
            _Lines(self._subject.evidence, self._comb, self._found, self._w).draw(panels)
        self._timeline(figure.add_subplot(grid[2]))
        self._caption(figure.add_subplot(grid[3]))

    @property
    def _found(self) -> bool:
        return self._subject.judgement is not None and self._subject.judgement.family is not None

    def _header(self, axes: Axes) -> None:
        s.quiet(axes)
        subject, judgement = self._subject, self._subject.judgement
        colour = s.SERIES[1] if subject.axis_c in ("declared", "detected") else s.INK
        axes.text(0, 1, self._w(subject.axis_c), fontsize=18, weight="bold", va="top", color=colour)
        name = s.letters(subject.name, _LONGEST_NAME)
        axes.text(1, 0.95, name, va="top", ha="right", weight="bold", fontsize=10)
        axes.text(1, 0.62, s.clock(subject.duration_s), va="top", ha="right", color=s.MUTED)
        parts = [subject.declared] if subject.declared else []
        if judgement is not None:
            parts.append(f"{self._w('score')} {judgement.score:.1f}")
            parts.append(f"log10 LR {judgement.log10_lr:+.1f}")
            parts += self._lattice(judgement)
        axes.text(0, 0.36, s.letters(" · ".join(parts)), va="center", fontsize=10.5)
        named = ", ".join(
            (vocabulary.ko if self._language == "ko" else vocabulary.en)("condition", name)
            for name in subject.conditions
        )
        said = f"{self._w('conditions')}: {named or self._w('no_conditions')}"
        axes.text(0, 0.02, said, va="center", color=s.MUTED, fontsize=9.5)

    def _lattice(self, judgement: Judgement) -> list[str]:
        if judgement.family is None or judgement.spacing_hz is None:
            return []
        found = [f"{self._w('lattice')} {judgement.family}"]
        found.append(f"{self._w('spacing')} {judgement.spacing_hz:.2f} Hz")
        if judgement.ratio != 1:
            found.append(f"{self._w('changed')} ×{judgement.ratio:.4f}")
        return found

    def _timeline(self, axes: Axes) -> None:
        judgement, evidence = self._subject.judgement, self._subject.evidence
        width = max(self._subject.duration_s, 1.0)
        axes.set_title(self._w("timeline"), pad=8)
        axes.set_xlim(0, width)
        axes.set_ylim(_LOWEST, _HIGHEST)
        s.clock_axis(axes.xaxis, 0, width)
        axes.set_xlabel(self._w("time"))
        axes.set_ylabel(self._w("score"))
        for name, score in (("queue", CALIBRATION.queue), ("sure", CALIBRATION.sure)):
            axes.axhline(score, color=s.INK, linewidth=0.9, linestyle=(0, (5, 3)))
            axes.text(
                width * 0.995,
                score + 0.7,
                f"{self._w(name)} {score:.1f}",
                ha="right",
                fontsize=8,
                bbox={"facecolor": s.PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
            )
        if judgement is None or evidence is None:
            return
        for stretch in evidence.stretches:
            score = stretch.found.score
            colour = _COLOURS[_outcome_at(judgement, stretch.start_s)]
            top = min(max(score, _LOWEST + 0.3), _HIGHEST)
            length = stretch.end_s - stretch.start_s
            axes.bar(
                stretch.start_s, top - _LOWEST, length * 0.96, _LOWEST, align="edge", color=colour, alpha=0.75
            )
            if score > _HIGHEST:
                axes.text(
                    stretch.start_s + length / 2, _HIGHEST - 1.6, f"{score:.0f}", ha="center", fontsize=7.5
                )
        handles = [
            axes.bar(0, 0, 0, color=_COLOURS[outcome], alpha=0.75, label=self._w(outcome.value))
            for outcome in (Outcome.DETECTED, Outcome.INCONCLUSIVE, Outcome.NONE_FOUND)
        ]
        axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=3)

    def _caption(self, axes: Axes) -> None:
        s.quiet(axes)
        width = 118 if self._language == "ko" else 190
        text = "\n".join(textwrap.wrap(self._w("caption"), width))
        axes.text(0, 0.75, text, va="top", fontsize=8.5, color=s.MUTED, linespacing=1.5)
        evidence, judgement = self._subject.evidence, self._subject.judgement
        if evidence is not None and judgement is not None:
            axes.text(
                1, -0.1, f"{evidence.pipeline} / {judgement.version}", ha="right", color=s.MUTED, fontsize=7.5
            )


class _Lines:
    """The three views of the line spectrum."""

    def __init__(self, evidence: Evidence, comb: Comb, found: bool, word: Any) -> None:
        assert evidence.lines is not None  # noqa: S101 (the caller draws nothing without)
        assert comb.family is not None  # noqa: S101
        self._whole = evidence.lines.whole * _DB
        self._hz = evidence.lines.hz
        self._spacing = comb.family.spacing * comb.ratio
        self._low, self._top = lowest(comb.top), comb.top
        self._family, self._found, self._w = comb.family.name, found, word
        first = int(np.ceil(self._low / self._spacing))
        numbers = np.arange(first, int(self._top / self._spacing) + 1, dtype=np.float64)
        self._teeth: NDArray[np.float64] = numbers * self._spacing
        self._colour = s.SERIES[1] if found else s.MUTED

    def draw(self, panels: Sequence[Axes]) -> None:
        """Draw the whole, the close-up and the fold."""
        self._spectrum(panels[0])
        self._close_up(panels[1])
        self._fold(panels[2])

    def _at(self, hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        values: NDArray[np.float64] = np.interp(hertz, np.arange(self._whole.size) * self._hz, self._whole)
        return values

    def _peak_at(self, hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        """The highest of the bin and its neighbours."""
        best: NDArray[np.float64] = np.max([self._at(hertz + n * self._hz) for n in (-1, 0, 1)], axis=0)
        return best

    def _spectrum(self, axes: Axes) -> None:
        end = min(self._whole.size - 1, round(max(self._top * 1.05, 4_000.0) / self._hz))
        # One point of each dozen bins is drawn, the highest: a picture has 1,300 columns.
        step = max(1, end // 2_600)
        rows = self._whole[: end // step * step].reshape(-1, step)
        hertz = (np.arange(len(rows)) * step + rows.argmax(axis=1)) * self._hz
        axes.plot(hertz, rows.max(axis=1), color=s.FAINT, linewidth=0.6)
        size = 16 if self._teeth.size < 300 else 6
        axes.scatter(
            self._teeth, self._peak_at(self._teeth), s=size, color=self._colour, linewidths=0, zorder=3
        )
        axes.set_xlim(0, end * self._hz)
        axes.set_ylim(-4, max(8.0, float(np.quantile(self._peak_at(self._teeth), 0.98)) * 1.25))
        axes.set_xlabel(self._w("frequency"))
        axes.set_ylabel(self._w("over"))
        axes.set_title(self._w("spectrum"), pad=20)
        state = self._w("at_lattice") if self._found else self._w("candidate")
        axes.text(
            0, 1.02, f"● {state} ({self._family}, {self._spacing:.2f} Hz)", transform=axes.transAxes,
            color=self._colour, fontsize=8,
        )  # fmt: skip
        axes.text(
            1,
            1.02,
            f"— {self._w('elsewhere')}",
            transform=axes.transAxes,
            ha="right",
            color=s.MUTED,
            fontsize=8,
        )

    def _close_up(self, axes: Axes) -> None:
        middle = self._teeth[self._teeth.size // 2]
        low, high = middle - _CLOSE_UP / 2 * self._spacing, middle + _CLOSE_UP / 2 * self._spacing
        hertz = np.arange(low, high, self._hz)
        axes.plot(hertz, self._at(hertz), color=s.SERIES[0], linewidth=0.8)
        for tooth in self._teeth[(self._teeth >= low) & (self._teeth <= high)]:
            axes.axvline(tooth, color=self._colour, linewidth=0.8, linestyle=(0, (3, 3)), alpha=0.8)
        axes.set_xlim(low, high)
        axes.set_title(self._w("close_up"), pad=6)
        axes.set_xlabel(self._w("frequency"))
        axes.set_ylabel("dB")

    def _fold(self, axes: Axes) -> None:
        away = np.linspace(-0.5, 0.5, _PHASES) * self._spacing
        folded = np.mean([self._at(tooth + away) for tooth in self._teeth], axis=0)
        axes.axvline(0, color=self._colour, linewidth=0.8, linestyle=(0, (3, 3)))
        axes.plot(away, folded, color=self._colour, linewidth=1.4)
        axes.fill_between(away, folded, float(folded.min()), color=self._colour, alpha=0.12, linewidth=0)
        axes.set_xlim(float(away[0]), float(away[-1]))
        # Scaled to itself, the ripple of chance would look like a line.
        low = float(folded.min()) - 0.5
        axes.set_ylim(low, max(low + _LEAST_DB, float(folded.max()) + 0.5))
        axes.set_title(f"{self._w('folded')} (n = {self._teeth.size})", pad=6)
        axes.set_xlabel(self._w("phase"))
        axes.set_ylabel("dB")


def _shown_comb(evidence: Evidence | None, judgement: Judgement | None) -> Comb | None:
    """The lattice that the judgement names, where the whole shows it; else the whole's own strongest."""
    if evidence is None or judgement is None:
        return None
    combs = [
        evidence.whole,
        evidence.changed,
        evidence.coarse,
        *(stretch.found for stretch in evidence.stretches),
    ]
    known = [comb for comb in combs if comb.family is not None]
    named = [
        comb
        for comb in known
        if comb.family is not None and (comb.family.name, comb.ratio) == (judgement.family, judgement.ratio)
    ]
    return max(named or known[:1], key=lambda comb: comb.score, default=None)


def _outcome_at(judgement: Judgement, second: float) -> Outcome:
    inside = (p.outcome for p in judgement.passages if p.start_s <= second < p.end_s)
    return next(inside, Outcome.INCONCLUSIVE)
