"""Make the fonts that pictures carry from Noto Sans KR as the npm package ``@expo-google-fonts/noto-sans-kr`` has it.

``python -m bench.picture_fonts FOLDER`` takes the unpacked package (``npm pack`` it, unpack it) and writes two cuts
into ``shared/rightscan/pictures/fonts``: Latin, signs, and the 2,350 syllables of KS X 1001, without hints. The
family is named anew, so that an installed Noto Sans KR is never taken for it.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

OUT = Path(__file__).parents[1] / "shared/rightscan/pictures/fonts"
FAMILY = "Rightscan Sans KR"
WEIGHTS = {"Regular": "400Regular/NotoSansKR_400Regular.ttf", "Bold": "700Bold/NotoSansKR_700Bold.ttf"}
_SIGNS = "–—‘’“”•…′″←↑→↓↔−×≈≠≤≥■□▲△▼▽◆◇●○√"


def characters() -> set[int]:
    """Return the code points kept."""
    rows = range(0xB0, 0xC9)  # of KS X 1001: its Hangul
    syllables = [bytes((row, cell)).decode("euc_kr") for row in rows for cell in range(0xA1, 0xFF)]
    letters = [*range(0x20, 0x7F), *range(0xA0, 0x100), *range(0x3131, 0x318F)]
    return {*letters, *map(ord, syllables), *map(ord, _SIGNS)}


def cut(source: Path, weight: str) -> TTFont:
    """Return a font with the characters kept and a name of its own."""
    options = subset.Options(hinting=False, layout_features=["kern"], name_IDs=["*"], notdef_outline=True)
    font = TTFont(source, recalcTimestamp=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)
    names = {
        1: FAMILY,
        2: weight,
        4: f"{FAMILY} {weight}",
        6: f"{FAMILY.replace(' ', '')}-{weight}",
        16: FAMILY,
    }
    for record in font["name"].names:
        if record.nameID in names:
            record.string = names[record.nameID]
    return font


def main() -> None:
    """Write both fonts and the licence."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, help="the unpacked npm package")
    package = parser.parse_args().package
    OUT.mkdir(parents=True, exist_ok=True)
    for weight, name in WEIGHTS.items():
        cut(package / name, weight).save(OUT / f"RightscanSansKR-{weight}.ttf")
    shutil.copyfile(package / "LICENSE_FONT", OUT / "OFL.txt")


if __name__ == "__main__":
    main()
