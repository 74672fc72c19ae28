"""How our pictures look: colours, letters that hold Hangul, clocks on the time axes. matplotlib is loaded on use.

The fonts are carried along (Noto Sans KR cut to Latin and the syllables of KS X 1001, ``bench/picture_fonts.py``),
so that a picture is the same on every machine. What they lack, a rare syllable or a Chinese character in a file's
name, is taken from an installed font where one has it, and is otherwise shown as ``?``, never as an empty box.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rightscan.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 150

# Told apart by people who see colours differently too (after Okabe and Ito), and in grey.
INK, MUTED, RULE, PAPER = "#1d2733", "#66727f", "#d9dee3", "#ffffff"
FAINT = "#c3cad1"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#9c5b8f", "#b8860b")
YES, NO = "#00785a", "#8a94a0"

FAMILY = "Rightscan Sans KR"
_FONTS = Path(__file__).with_name("fonts")
_SPARE = ("cjk", "source han", "nanum", "malgun", "apple sd gothic", "batang", "gulim", "baekmuk", "unbatang")


@contextmanager
def style() -> Iterator[None]:
    """Draw in our style inside the block; whatever else uses matplotlib keeps its own."""
    import matplotlib as mpl

    # A spare font may have one weight only, which is no reason to talk to the person.
    chatter = logging.getLogger("matplotlib.font_manager")
    level = chatter.level
    chatter.setLevel(logging.ERROR)
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "font.family": list(_families()),
                "font.size": 9.0,
                "text.color": INK,
                "text.parse_math": False,
                "axes.edgecolor": RULE,
                "axes.labelcolor": MUTED,
                "axes.labelsize": 8.5,
                "axes.titlesize": 10.5,
                "axes.titleweight": "bold",
                "axes.titlelocation": "left",
                "axes.titlecolor": INK,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.unicode_minus": True,
                "axes.axisbelow": True,
                "axes.grid": True,
                "grid.color": "#eceff2",
                "grid.linewidth": 0.8,
                "xtick.color": MUTED,
                "ytick.color": MUTED,
                "xtick.labelsize": 8.0,
                "ytick.labelsize": 8.0,
                "xtick.major.size": 0.0,
                "ytick.major.size": 0.0,
                "legend.frameon": False,
                "legend.fontsize": 8.0,
                "figure.facecolor": PAPER,
                "savefig.facecolor": PAPER,
            }
        )
        try:
            yield
        finally:
            chatter.setLevel(level)


def new_figure(width: int, height: int) -> Figure:
    """Return an empty picture of ``width`` by ``height`` pixels, which no window or global state knows of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def save_png(figure: Figure, path: Path) -> None:
    """Write a picture as PNG, complete or not at all; the same picture gives the same bytes.

    Raises:
        UsageError: ``unwritable_picture``.
    """
    work = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with style():
            # Neither a version nor a time in it.
            figure.savefig(work, format="png", dpi=DPI, metadata={"Software": None})
        work.replace(path)
    except OSError as error:
        with suppress(OSError):
            work.unlink(missing_ok=True)
        raise UsageError(
            "unwritable_picture",
            f"{path}: {error.strerror}",
            "Name a file in a folder that you may write to.",
        ) from error


# ---- letters --------------------------------------------------------------------------------------------
def letters(text: str, most: int | None = None) -> str:
    """Return text as it can be drawn: composed, on one line, without letters that no font has.

    Args:
        text: somebody else's, a file's name for one.
        most: longest length; what is longer loses its middle, since file names tell by both ends.
    """
    line = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text))
    shown = "".join(c if _has(FAMILY, c) or _spare(c) is not None else "?" for c in line)
    if most is not None and len(shown) > most:
        head = (most - 1) // 2
        shown = f"{shown[:head]}…{shown[len(shown) - (most - 1 - head) :]}"
    return shown


_spares_used: list[str] = []


def _families() -> Sequence[str]:
    _registered()
    return (FAMILY, *_spares_used, "DejaVu Sans")


@cache
def _registered() -> dict[str, frozenset[int]]:
    """Make our fonts known; return the code points of the regular cut under the family's name."""
    from matplotlib import font_manager

    for path in sorted(_FONTS.glob("*.ttf")):
        font_manager.fontManager.addfont(path)
    regular = font_manager.get_font(_FONTS / "RightscanSansKR-Regular.ttf")
    return {FAMILY: frozenset(regular.get_charmap())}


def _has(family: str, letter: str) -> bool:
    return ord(letter) in _registered().get(family, frozenset())


@cache
def _spare(letter: str) -> str | None:
    """Return an installed family that has a letter, and remember to fall back on it."""
    from matplotlib import font_manager

    known = sorted({(f.name, f.fname) for f in font_manager.fontManager.ttflist})
    asian = [f for f in known if any(word in f[0].lower() for word in _SPARE)]
    for name, path in [f for f in known if f[0] == "DejaVu Sans"] + asian:
        try:
            there = ord(letter) in font_manager.get_font(path).get_charmap()
        except (OSError, RuntimeError):
            continue  # an installed font that cannot be read is as good as none
        if there:
            if name not in _spares_used:
                _spares_used.append(name)
            return name
    return None


# ---- axes -----------------------------------------------------------------------------------------------
def clock(seconds: float, digits: int = 1) -> str:
    """Return a time as ``m:ss.s`` (``h:mm:ss.s`` from an hour on)."""
    rounded = round(max(seconds, 0.0), digits)
    minutes, rest = divmod(rounded, 60)
    hours, minutes = divmod(int(minutes), 60)
    width = 3 + digits if digits else 2
    tail = f"{rest:0{width}.{digits}f}"
    return f"{hours}:{minutes:02}:{tail}" if hours else f"{minutes}:{tail}"


def clock_axis(axis: Any, low: float, high: float) -> None:
    """Give a time axis round marks in clock time.

    Args:
        axis: ``axes.xaxis`` or ``axes.yaxis``.
        low: first second shown.
        high: and last.
    """
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    steps = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200)
    step = next((s for s in steps if (high - low) / s <= 8), steps[-1])
    axis.set_major_locator(MultipleLocator(step))
    axis.set_major_formatter(FuncFormatter(lambda s, _: clock(s, 1 if step < 1 else 0) if s >= 0 else ""))


def quiet(axes: Axes) -> None:
    """Take ticks, frame and grid from axes that hold text alone."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
