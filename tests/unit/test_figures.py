"""Published figures: what is written is what was measured, as often as it is written, and names its command."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import figures
from hypothesis import given
from hypothesis import strategies as st

QUERY = {"queries": 8, "right": 8, "wrong": 0, "cpu_s": 0.0314}
KINDS = ("identity", "deep", "song_deep")
AGAINST = {
    "recordings": 24,
    "hours": 1.33,
    "index_bytes_per_hour": 2_400_000,
    "excerpt_s": 10.0,
    "registered": dict.fromkeys(KINDS, QUERY),
    "unknown": dict.fromkeys(KINDS, QUERY),
}
RESULT = {
    "measured_on": "2026-11-23",
    "cores": 2,
    "processor": "some processor",
    "python": "3.11.7",
    "pipeline": "fp1-0123456789ab",
    "fingerprint": {
        "sound_s": 200.0,
        "runs": 5,
        "without_decoding": 1234,
        "with_decoding": {"wav": 700, "flac": 600, "mp3": 543, "m4a": 400},
        "stored_bytes_per_hour": 2_345_678,
    },
    "throughput": {
        "files": 36,
        "file_s": 180.0,
        "cores": 2,
        "catalogue_recordings": 6,
        "files_per_minute": 61.5,
        "cpu_s_per_file": 1.87,
    },
    "memory": {
        "three_minutes": {"peak_mb": 81.2, "cpu_s": 0.9},
        "two_hours": {"peak_mb": 92.9, "cpu_s": 17.0},
        "ratio": 1.14,
    },
    "query": {"synthesised": AGAINST, "real": AGAINST | {"recordings": 49}},
    "start": {
        "runs": 5,
        "functions": {
            "ingest": {"import_cpu_s": 0.37, "ready_cpu_s": 0.71, "budget_s": 0.6},
            "match": {"import_cpu_s": 0.5, "ready_cpu_s": 0.8, "budget_s": None},
        },
    },
    "writes": {"clear scan": 18, "matched scan": 23, "second copy of a matched upload": 7},
}


def documents(root: Path) -> dict[str, Path]:
    (root / "docs").mkdir()
    found = {"readme": root / "README.md", "figures": root / "docs" / "figures.md"}
    for name, path in found.items():
        path.write_text(
            f"# {name}\n\nabove\n\n{figures.START}\nof last year\n{figures.END}\n\nbelow\n", "utf-8"
        )
    return found


def test_writing_twice_changes_nothing_and_touches_nothing_around(tmp_path: Path) -> None:
    found = documents(tmp_path)
    figures.write(RESULT, tmp_path)
    once = {name: path.read_text("utf-8") for name, path in found.items()}
    figures.write(RESULT, tmp_path)
    assert {name: path.read_text("utf-8") for name, path in found.items()} == once
    for name, text in once.items():
        assert text.startswith(f"# {name}\n\nabove\n\n{figures.START}\n")
        assert text.endswith(f"\n{figures.END}\n\nbelow\n")
        assert "of last year" not in text


def test_every_figure_names_the_command_that_prints_it(tmp_path: Path) -> None:
    found = documents(tmp_path)
    figures.write(RESULT, tmp_path)
    for path in found.values():
        rows = [line for line in path.read_text("utf-8").splitlines() if line.startswith("| ")][1:]
        assert rows
        for row in rows:
            assert any(f"`make bench ONLY={group}`" in row for group in figures.GROUPS)


def test_the_readme_has_a_figure_of_every_group_and_the_page_has_all() -> None:
    told = figures.figures(RESULT)
    assert {figure.group for figure in told} == set(figures.GROUPS)
    assert {figure.group for figure in told if figure.main} == set(figures.GROUPS)
    page = figures.markdown(RESULT, main_only=False)
    assert all(figure.what in page and figure.value in page for figure in told)
    for part in ("1,234 × real time", "61.5 files a minute", "93 MB", "2.40 MB per hour", "18 write units"):
        assert part in page


def test_the_conditions_stand_beside_the_figures() -> None:
    page = figures.markdown(RESULT, main_only=True)
    for part in ("2026-11-23", "2 cores", "Python 3.11.7", "fp1-0123456789ab"):
        assert part in page


def test_part_of_the_figures_is_not_written(tmp_path: Path) -> None:
    found = documents(tmp_path)
    before = {name: path.read_text("utf-8") for name, path in found.items()}
    part = {name: value for name, value in RESULT.items() if name != "memory"}
    with pytest.raises(ValueError, match="memory"):
        figures.write(part, tmp_path)
    found["figures"].write_text("no markers")
    with pytest.raises(ValueError, match="figures:start"):
        figures.write(RESULT, tmp_path)
    assert found["readme"].read_text("utf-8") == before["readme"]


PROSE = st.text().filter(lambda text: "figures:" not in text)


@given(PROSE, PROSE, PROSE, PROSE)
def test_filling_replaces_exactly_what_is_between_the_markers(
    before: str, old: str, after: str, body: str
) -> None:
    text = f"{before}{figures.START}{old}{figures.END}{after}"
    filled = figures.fill(text, body)
    assert filled == f"{before}{figures.START}\n{body}\n{figures.END}{after}"
    assert figures.fill(filled, body) == filled


@pytest.mark.parametrize(
    "text",
    ["", figures.START, figures.END, f"{figures.END}{figures.START}", f"{figures.START}{figures.END}" * 2],
)
def test_a_text_without_one_pair_of_markers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="figures:start"):
        figures.fill(text, "body")


def test_this_repository_has_the_page_with_markers() -> None:
    page = (figures.ROOT / "docs" / "figures.md").read_text("utf-8")
    assert figures.fill(page, "body").count("body") == page.count("body") + 1
