"""The licences of what is shipped: every locked runtime package, and the libraries inside their wheels.

``python -m bench.licences`` prints a table; the exit status is 1 where a licence is copyleft or unknown and
``bench/licences.toml`` gives no reason, or the reason no longer holds. Metadata alone does not do: the wheel of
a BSD package may carry GPL libraries.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rich.console import Console
from rich.markup import escape
from rich.table import Table

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).with_name("licences.toml")

PERMISSIVE = frozenset(
    {
        *("MIT", "MIT License", "MIT-0", "MIT No Attribution License (MIT-0)", "ISC", "Zlib", "CC0-1.0"),
        *("0BSD", "BSD License", "BSD-2-Clause", "BSD-2-Clause-Patent", "BSD-3-Clause"),
        "BSD-3-Clause-Clear",
        "MIT-CMU",
        *("Apache-2.0", "Apache Software License", "PSF-2.0", "Python Software Foundation License"),
    }
)
"""Licences that ask for attribution at most, as SPDX, the classifiers and packages write them."""

_COPYLEFT = re.compile(r"\b(A?GPL|SSPL)-")
_LIBRARY = re.compile(r"lib(?P<name>.+?)(-[0-9a-f]{8})*(\.so(\.\d+)*|(\.\d+)*\.dylib)")


@dataclass(frozen=True)
class Verdict:
    """What is known of the licence of one thing. ``problem`` is empty where it may be used as it is."""

    name: str
    version: str
    licence: str
    problem: str = ""
    why: str = ""


def is_permissive(licence: str) -> bool:
    """Whether every part of an expression asks for attribution at most; of alternatives (``OR``) one is enough."""
    return any(
        all(part in PERMISSIVE for part in alternative.split(" AND "))
        for alternative in licence.split(" OR ")
    )


def is_copyleft(licence: str) -> bool:
    """Whether an SPDX expression leaves nothing but the GPL, AGPL or SSPL; an exception for linking is a way out."""
    return all(
        _COPYLEFT.search(alternative) and " WITH " not in alternative for alternative in licence.split(" OR ")
    )


def declared(package: Distribution) -> str:
    """What a package's metadata says: its licence expression, else its classifiers, else the free field."""
    metadata = package.metadata
    expression = metadata.get("License-Expression")
    if expression:
        return expression
    classifiers = [
        name.rpartition(" :: ")[2]
        for name in metadata.get_all("Classifier") or []
        if name.startswith("License :: ") and name != "License :: OSI Approved"
    ]
    if classifiers:
        return " AND ".join(classifiers)
    return (metadata.get("License") or "").strip().partition("\n")[0]


def bundled(package: Distribution) -> list[str]:
    """Names of other people's shared libraries inside a package, without ``lib``, hash and version."""
    found = (_LIBRARY.fullmatch(file.name) for file in package.files or [])
    return sorted({match["name"] for match in found if match is not None})


def locked(lock: Path) -> list[str]:
    """Canonical names of the packages of a lock that apply to this Python and platform."""
    lines = (line.rstrip(" \\\n") for line in lock.read_text("utf-8").splitlines())
    requirements = [Requirement(line) for line in lines if line[:1].isalnum()]
    return sorted(
        {canonicalize_name(r.name) for r in requirements if r.marker is None or r.marker.evaluate()}
    )


def judge_package(package: Distribution, reasons: Mapping[str, Any]) -> Verdict:
    """The verdict on a package's own licence."""
    name, says = canonicalize_name(package.name), declared(package)
    reason = reasons.get(name)
    if is_permissive(says):
        return Verdict(name, package.version, says)
    if reason is None:
        return Verdict(name, package.version, says or "unknown", "needs a reason")
    if reason["declared"] != says:
        problem = f"the reason was given for {reason['declared']!r}"
        return Verdict(name, package.version, says or "unknown", problem)
    return Verdict(name, package.version, says, why=reason["why"])


def judge_bundled(
    package: Distribution, reasons: Mapping[str, Any], is_left_out: Callable[[str, str], str]
) -> Iterator[Verdict]:
    """The verdicts on the libraries inside a package.

    Args:
        package: the installed package.
        reasons: the table ``bundled``.
        is_left_out: tells, for a package and the word its Dockerfiles must hold, what speaks against the
            artefacts being without it; empty where nothing does.
    """
    owner = canonicalize_name(package.name)
    reason = reasons.get(owner, {})
    for library in bundled(package):
        name, licence = f"{owner}: {library}", reason.get("libraries", {}).get(library)
        if licence is None:
            yield Verdict(name, package.version, "unknown", "find out its licence and list it")
        elif not is_copyleft(licence):
            yield Verdict(name, package.version, licence, why="" if is_permissive(licence) else reason["why"])
        elif "images" not in reason:
            yield Verdict(name, package.version, licence, "artefacts would carry it")
        else:
            yield Verdict(name, package.version, licence, is_left_out(owner, reason["images"]), reason["why"])


def left_out_of_artefacts(root: Path) -> Callable[[str, str], str]:
    """Checks that images are built without a package's published wheel, and zip functions do not have it."""

    def what_speaks_against(package: str, word: str) -> str:
        for dockerfile in sorted(root.glob("functions/*/Dockerfile")):
            if word not in dockerfile.read_text("utf-8"):
                return f"{dockerfile.relative_to(root)} does not say {word}"
        locks = [*root.glob("layers/*/requirements.txt"), *root.glob("functions/*/requirements.txt")]
        for lock in sorted(locks):
            if not lock.with_name("Dockerfile").exists() and package in locked(lock):
                return f"{lock.relative_to(root)} carries it"
        return ""

    return what_speaks_against


def judge(root: Path, table: Mapping[str, Any]) -> list[Verdict]:
    """Verdicts on every locked runtime package and what is in its wheel."""
    verdicts = []
    for name in locked(root / "requirements/runtime.txt"):
        try:
            package = distribution(name)
        except PackageNotFoundError:
            verdicts.append(Verdict(name, "", "", "locked but not installed: run make setup"))
            continue
        verdicts.append(judge_package(package, table["packages"]))
        verdicts += judge_bundled(package, table["bundled"], left_out_of_artefacts(root))
    return verdicts


def show(verdicts: Iterable[Verdict]) -> None:
    """Print a table, and the reasons that it rests on once each."""
    table = Table("package: library", "version", "licence", "")
    reasons: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.why:
            reasons.setdefault(verdict.why, []).append(verdict.name)
        note = (
            f"[red]{escape(verdict.problem)}[/red]" if verdict.problem else "reason below" * bool(verdict.why)
        )
        table.add_row(verdict.name, verdict.version, verdict.licence, note)
    console = Console(highlight=False)
    console.print(table)
    for why, names in reasons.items():
        console.print(f"{', '.join(names)}: {why}.", markup=False)


def main() -> int:
    """Print the table; 1 where something may not be shipped."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    verdicts = judge(ROOT, tomllib.loads(TABLE.read_text("utf-8")))
    show(verdicts)
    wrong = [verdict for verdict in verdicts if verdict.problem]
    print(f"{len(verdicts)} licences, {len(wrong)} problems")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
