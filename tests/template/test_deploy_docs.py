"""The page on deployment says what the repository does."""

from __future__ import annotations

import re
import subprocess
import sys

from host_build import ROOT

PAGE = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")


def test_the_cost_table_is_what_the_model_prints():
    printed = subprocess.run(
        [sys.executable, "-m", "bench.cost_model"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert printed in PAGE


def test_targets_and_paths_of_the_page_exist(template):
    makefiles = "".join(path.read_text() for path in (ROOT / "Makefile", *ROOT.glob("mk/*.mk")))
    for line in re.findall(r"^ +make (.+)$", PAGE, re.MULTILINE):
        for target in line.split():
            assert re.search(rf"^(?:[a-z-]+ )*{target}\b[^=]*:", makefiles, re.MULTILINE), target
    for path in re.findall(r"`((?:docs|mk|tests|functions)/[a-z_./-]+)`", PAGE):
        assert list(ROOT.glob(path)), path
    for path in re.findall(r"\]\(((?!http)[^)#]+)", PAGE):
        assert (ROOT / "docs" / path).exists(), path


def test_links_between_runbooks_lead_somewhere():
    for page in (ROOT / "docs/runbooks").glob("*.md"):
        for link, anchor in re.findall(r"\]\(([^)#]+)(?:#([a-z-]+))?\)", page.read_text(encoding="utf-8")):
            found = page.parent / link
            assert found.exists(), (page.name, link)
            headings = [
                re.sub(r"[^a-z0-9 -]", "", heading.lower()).strip().replace(" ", "-")
                for heading in re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            ]
            assert not anchor or anchor in headings, (page.name, link, anchor)
