"""The end of what has reached its time, class by class: counted first, removed only when asked."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rightscan.ports import Ports
from rightscan.records.vault import AskPurge, VoicesHeard
from rightscan.rights.access_reasons import checked_reason
from rightscan.rights.retention import Retention, retention


@dataclass(frozen=True)
class Ended:
    """What a purge says of one class.

    Attributes:
        rule: the class.
        found: how many have reached their time; None where nothing is to be counted here.
        removed: whether they were removed.
    """

    rule: Retention
    found: int | None
    removed: bool


def purge(
    ports: Ports, *, actor: str, reason: str, apply: bool, folders: Mapping[str, Path] | None = None
) -> list[Ended]:
    """Go through all classes.

    Args:
        ports: the world.
        actor: who does it.
        reason: why.
        apply: remove; else count.
        folders: of one machine, by class (``function_log``, ``workspace``); None for a deployed stack, whose logs
            and records end by themselves.

    Returns:
        Every class with what was found, those that nothing is done about included.

    Raises:
        UsageError: ``no_actor_or_reason``, ``personal_data_in_reason``.
        TransientError: the vault cannot be reached; nothing was removed then.
    """
    actor, reason = checked_reason(actor, reason)
    now = ports.clock.now()
    rules = retention()
    before = {name: now - dt.timedelta(days=rule.days) for name, rule in rules.items() if rule.days}
    ask = AskPurge(
        actor=actor,
        reason=reason,
        log_before=before["access_log"],
        apply=apply,
        forget_log=folders is not None,
    )
    told = ports.likeness(ask, ports)
    found: dict[str, int] = {"template": len(told.without_consent), "access_log": told.log_entries}
    if folders is not None:
        for name, folder in folders.items():
            found[name] = _in_folder(folder, before[name], apply=apply)
        found["likeness_result"] = _likeness_results(ports, before["likeness_result"], apply=apply)
    removed = set(found) if folders is not None else {"template"}
    return [Ended(rule, found.get(name), apply and name in removed) for name, rule in rules.items()]


def _in_folder(folder: Path, before: dt.datetime, *, apply: bool) -> int:
    """Entries of a folder that nobody has written to since ``before``."""
    old = [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if dt.datetime.fromtimestamp(path.lstat().st_mtime, dt.UTC) < before
    ]
    for path in old if apply else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return len(old)


def _likeness_results(ports: Ports, before: dt.datetime, *, apply: bool) -> int:
    count = 0
    for heard in _heard(ports):
        if heard.heard_at < before and heard.candidates:
            count += 1
            if apply:
                ports.ledger.put_voices(heard.model_copy(update={"candidates": ()}))
    return count


def _heard(ports: Ports) -> Iterator[VoicesHeard]:
    for media_id in sorted({u.media_id for u in ports.ledger.uploads() if u.media_id is not None}):
        for scan in ports.ledger.scans(media_id):
            heard = ports.ledger.voices(media_id, scan.scan_id)
            if heard is not None:
                yield heard
