"""Checks of an installation, each with what to do where it fails."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import rightscan
from rightscan.errors import RightscanError
from rightscan.jobs.audit import LogAudit
from rightscan.jobs.budget import units_today
from rightscan.jobs.versions import fingerprint_pipeline
from rightscan.ports import Ports
from rightscan.records.registers import ReferenceState
from rightscan.rights import error_words

LEAST_FREE = 8 << 30
"""Bytes: two cores analyse two of the largest uploads, each beside its copy in the store."""

STUCK_AFTER = timedelta(hours=6)
"""Work unfinished for so long has been through all its attempts: six visibility timeouts of the scan queue."""


@dataclass(frozen=True)
class Check:
    """One check's outcome, in English and, in the fields ``…_ko``, in Korean."""

    name: str
    state: Literal["ok", "warning", "failed"]
    found: str
    found_ko: str
    remedy: str = ""
    remedy_ko: str = ""


def doctor(ports: Ports) -> Iterator[Check]:
    """Run the checks one by one; one that cannot be run has failed."""
    checks: tuple[Callable[[Ports], Check], ...] = (
        _installation,
        _disk,
        _store,
        _index,
        _references,
        _dead_letters,
        _stuck,
        _custody,
        _budget,
    )
    for check in checks:
        try:
            yield check(ports)
        except RightscanError as error:
            cause_ko, remedy_ko = error_words.said(error.code, error.cause, error.remedy, "ko")
            yield Check(
                check.__name__.strip("_").replace("_", " "),
                "failed",
                f"{error.cause} [{error.code}]",
                f"{cause_ko} [{error.code}]",
                error.remedy,
                remedy_ko,
            )


def _installation(_: Ports) -> Check:
    # PyAV and numpy are what an installation lacks most often, and `show` should not wait for them.
    try:
        from rightscan.media.decode import missing_decoders

        missing = missing_decoders()
    except ImportError as error:
        missing = [str(error)]
    python = ".".join(map(str, sys.version_info[:3]))
    here = f"rightscan {rightscan.__version__}, Python {python}"
    if missing:
        return Check(
            "installation",
            "failed",
            f"{here}; cannot decode: {', '.join(missing)}",
            f"{here}; 풀 수 없는 형식: {', '.join(missing)}",
            "Run `make setup` in the clone again; the wheels it takes decode all formats.",
            "저장소에서 `make setup`을 다시 실행하십시오. 그때 설치되는 꾸러미는 모든 형식을 풉니다.",
        )
    return Check("installation", "ok", f"{here}, all decoders", f"{here}, 모든 형식을 풀 수 있음")


def _disk(ports: Ports) -> Check:
    with ports.workspace() as folder:
        free = shutil.disk_usage(folder).free
    shown = f"{free / 1e9:,.1f} GB"
    if free < LEAST_FREE:
        return Check(
            "disk",
            "warning",
            f"{shown} free where uploads are analysed",
            f"분석 작업 자리에 남은 용량 {shown}",
            "Free some space: an upload may have 2 GiB, and several are analysed at once.",
            "자리를 비우십시오. 파일 하나가 2 GiB까지 될 수 있고 여러 개를 함께 분석합니다.",
        )
    return Check("disk", "ok", f"{shown} free", f"남은 용량 {shown}")


def _store(ports: Ports) -> Check:
    recordings = sum(1 for _ in ports.ledger.recordings())
    if recordings == 0:
        return Check(
            "store",
            "warning",
            "no recording is registered",
            "등록된 음원이 없음",
            "Run `rightscan register CATALOGUE`.",
            "`rightscan register 목록파일`을 실행하십시오.",
        )
    return Check("store", "ok", f"{recordings} recordings", f"음원 {recordings}곡")


def _index(ports: Ports) -> Check:
    live = ports.index.current()
    if live.index is None:
        return Check(
            "index",
            "warning",
            "there is no index yet",
            "색인이 아직 없음",
            "Run `rightscan register CATALOGUE`.",
            "`rightscan register 목록파일`을 실행하십시오.",
        )
    return Check(
        "index", "ok", f"version {live.version}, opened and verified", f"{live.version}판, 열어서 확인함"
    )


def _references(ports: Ports) -> Check:
    missing = []
    for recording in ports.ledger.recordings():
        reference = ports.ledger.reference(recording.recording_id, fingerprint_pipeline())
        if reference is None or reference.state is not ReferenceState.INDEXED:
            missing.append(recording.recording_id)
    if missing:
        some = ", ".join(missing[:5])
        return Check(
            "references",
            "warning",
            f"{len(missing)} recordings are not in the index, e.g. {some}",
            f"음원 {len(missing)}곡이 색인에 없음(예: {some})",
            "`rightscan show RECORDING` says why; register them again with usable audio.",
            "`rightscan show 음원ID`로 까닭을 보고, 쓸 수 있는 음원 파일로 다시 등록하십시오.",
        )
    return Check("references", "ok", "every recording is in the index", "등록된 음원이 모두 색인에 있음")


def _dead_letters(ports: Ports) -> Check:
    letters = ports.dead_letters.show()
    if letters:
        return Check(
            "dead letters",
            "failed",
            f"{len(letters)} messages in dead-letter queues",
            f"처리되지 못한 메시지 {len(letters)}개",
            "Read docs/runbooks/dead-letters.md; then `rightscan dlq redrive` or `rightscan dlq drop ID`.",
            "docs/runbooks/dead-letters.md를 읽고 `rightscan dlq redrive` 또는 `rightscan dlq drop ID`를 쓰십시오.",
        )
    return Check("dead letters", "ok", "none", "없음")


def _stuck(ports: Ports) -> Check:
    now = ports.clock.now()
    stuck = [m.media_id for m in ports.ledger.media_at_work(now - timedelta(hours=24), now - STUCK_AFTER)]
    if stuck:
        return Check(
            "work",
            "failed",
            f"{len(stuck)} files unfinished for over 6 h, e.g. {stuck[0]}",
            f"여섯 시간 넘게 끝나지 않은 파일 {len(stuck)}개(예: {stuck[0]})",
            "`rightscan dlq show` lists what failed; redrive it once its cause is gone.",
            "`rightscan dlq show`로 실패한 것을 보고, 원인을 없앤 뒤 redrive 하십시오.",
        )
    return Check("work", "ok", "nothing is stuck", "멈춘 작업 없음")


def _custody(ports: Ports) -> Check:
    audit = LogAudit(ports)
    broken = list(audit.run())
    if broken:
        return Check(
            "custody",
            "failed",
            f"{len(broken)} chains are broken, first at {broken[0].log_index}",
            f"보관 기록 {len(broken)}건이 끊김, 처음은 {broken[0].log_index}",
            "`rightscan verify-log` names each; compare them with a backup of the store.",
            "`rightscan verify-log`로 하나하나 확인하고 저장소의 백업과 비교하십시오.",
        )
    return Check(
        "custody",
        "ok",
        f"{audit.chains} chains, {audit.entries} entries hold",
        f"보관 기록 {audit.chains}건, 항목 {audit.entries}개가 모두 이어져 있음",
    )


def _budget(ports: Ports) -> Check:
    used, budget = units_today(ports), ports.settings.units_per_day
    if used > budget:
        return Check(
            "budget",
            "warning",
            f"{used} files today, the budget is {budget}",
            f"오늘 파일 {used}개, 한도는 {budget}개",
            "Read docs/runbooks/volume-budget.md.",
            "docs/runbooks/volume-budget.md를 읽으십시오.",
        )
    return Check("budget", "ok", f"{used} of {budget} files today", f"오늘 파일 {used}개, 한도 {budget}개")
