"""``python -m rightscan.models.check [FOLDER…]``: holds every model against its card and prints a table.

Without a folder the shipped models are checked. The exit status is 1 where one is refused; CI runs it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rightscan.errors import PermanentError
from rightscan.models.card import read_card
from rightscan.models.registry import SHIPPED, model_folders
from rightscan.models.session import Model


@dataclass(frozen=True)
class Checked:
    """One model; ``problem`` is empty where it is as its card says."""

    folder: Path
    name: str = ""
    version: str = ""
    kind: str = ""
    size: int = 0
    rows: int = 0
    problem: str = ""


def check(folder: Path) -> list[Checked]:
    """Check every model in a folder: card, file, and what the file takes and gives.

    Raises:
        PermanentError: ``model_folder_missing``.
    """
    return [_check_one(place) for place in model_folders(folder)]


def _check_one(folder: Path) -> Checked:
    try:
        card = read_card(folder)
    except PermanentError as error:
        return Checked(folder, problem=str(error))
    size, problem = 0, ""
    if card.file is not None:
        try:
            Model(card, folder).prepare()
            size = (folder / card.file).stat().st_size
        except PermanentError as error:
            problem = str(error)
    return Checked(folder, card.name, card.version, card.kind, size, len(card.errors), problem)


def main(arguments: Sequence[str]) -> int:
    """Print the table; return the exit status."""
    folders = [Path(argument) for argument in arguments] or [SHIPPED]
    checked = [one for folder in folders for one in check(folder)]
    out = sys.stdout
    out.write(f"{'model':24} {'version':10} {'kind':12} {'bytes':>9} {'error rows':>10}  state\n")
    for one in checked:
        state = one.problem or "as its card says"
        out.write(
            f"{one.name or one.folder.name:24} {one.version:10} {one.kind:12} {one.size:9,} {one.rows:10}  {state}\n"
        )
    return 1 if any(one.problem for one in checked) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PermanentError as error:
        sys.exit(str(error))
