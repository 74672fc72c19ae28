"""How results look: rich tables for people, JSON lines for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rightscan.cli.options import Options
from rightscan.errors import RightscanError
from rightscan.records.base import canonical_json
from rightscan.records.objects import ErrorInfo
from rightscan.records.registers import RowOutcome
from rightscan.records.results import FindingResult, RegisterResult, ScanResult
from rightscan.rights import error_words, vocabulary
from rightscan.rights.codes import Code, code_table
from rightscan.rights.problems import problem_words
from rightscan.rights.upload_facts import FactProblem

_WORDS = {
    "file": ("파일", "file"),
    "state": ("상태", "state"),
    "code": ("판정", "code"),
    "recording": ("음원", "recording"),
    "in_upload": ("파일에서", "in the upload"),
    "in_original": ("원곡에서", "in the original"),
    "performers": ("실연자 (지분)", "performers (share)"),
    "note": ("설명", "note"),
    "conflict": ("충돌", "conflict"),
    "other_recording": ("상대 음원", "other recording"),
    "files": ("파일 수", "files"),
    "seconds": ("초", "seconds"),
    "isrc": ("ISRC", "ISRC"),
    "strength": ("log10LR", "log10 LR"),
    "length": ("길이", "length"),
    "origin": ("만들어진 방식", "made by a machine?"),
    "score": ("점수", "score"),
    "lattice": ("격자", "lattice"),
    "passages": ("구간", "passages"),
    "licence_misses": ("해당하지 않는 허락", "licences that do not cover it"),
    "likeness": ("목소리가 비슷한 실연자(가까운 순)", "performers whose voice it resembles, nearest first"),
    "conditions": ("조건", "conditions"),
    "similar": (
        "비슷한 음원(같은 곡의 다른 연주일 수 있음)",
        "similar recordings (the work may be the same)",
    ),
    "contested_by": ("같은 구간을 주장하는 음원", "recordings that claim the same passage"),
    "nobody": ("알려진 실연자 없음", "no performer known"),
    "created": ("새로 등록", "created"),
    "updated": ("변경", "updated"),
    "unchanged": ("변경 없음", "unchanged"),
    "invalid": ("거부된 행", "rows refused"),
    "indexed": ("색인된 음원", "recordings indexed"),
    "outcome": ("처리", "outcome"),
    "installation": ("설치", "installation"),
    "disk": ("디스크", "disk"),
    "store": ("저장소", "store"),
    "index": ("색인", "index"),
    "references": ("음원의 소리", "references"),
    "dead letters": ("처리 못한 메시지", "dead letters"),
    "work": ("작업", "work"),
    "custody": ("보관 기록", "custody"),
    "budget": ("하루 한도", "budget"),
    "ok": ("정상", "ok"),
    "sheet": ("시트", "sheet"),
    "expected": ("있어야 할 값", "expected"),
    "found": ("실제 값", "found"),
    "missing_file": ("파일이 없음", "file missing"),
    "unknown_file": ("보고서에 없는 파일", "not a file of the report"),
    "hash": ("해시가 다름", "other SHA-256"),
    "unreadable": ("읽을 수 없음", "unreadable"),
    "rows": ("행 수가 다름", "other number of rows"),
    "sums": ("합계가 다름", "other sum"),
    "cell": ("칸이 다름", "other cell"),
    "summary": ("요약과 다름", "not what the summary says"),
    "refused": ("거부", "refused"),
    "warning": ("주의", "warning"),
    "problem": ("문제", "problem"),
    "kept_class": ("보관 대상", "class"),
    "kept_days": ("보관 일수", "kept, days"),
    "due": ("기한 지난 수", "due"),
    "removed": ("삭제함", "removed"),
    "counted": ("세기만 함", "counted only"),
    "lifecycle": ("버킷 규칙", "bucket's rules"),
    "call": ("호출과 함께 끝남", "ends with the call"),
    "never": ("보관", "kept"),
    "actor": ("담당자", "by"),
    "action": ("일", "action"),
    "whose": ("대상(가명)", "whose"),
    "reason": ("사유", "reason"),
    "singing": ("노래", "singing"),
    "speaking": ("말", "speaking"),
    "row": ("행", "row"),
    "column": ("열", "column"),
    "value": ("값", "value"),
    "remedy": ("조치", "remedy"),
    "queue": ("대기열", "queue"),
    "message": ("메시지", "message"),
    "since": ("시각", "since"),
    "check": ("점검", "check"),
    "result": ("결과", "result"),
    "matched": ("일치", "matched"),
    "clear": ("일치 없음", "no match"),
    "partial": ("일부만 분석됨", "partly analysed"),
    "rejected": ("거부됨", "rejected"),
    "failed": ("처리 실패", "failed"),
    "skipped": ("건너뜀", "skipped"),
    "gone": ("사라짐", "gone"),
    "case": ("사건", "case"),
    "subject": ("대상", "subject"),
    "media": ("매체", "media"),
    "round": ("차수", "round"),
    "decision": ("결정", "decision"),
    "listened": ("들은 시간", "listened"),
    "use": ("이용", "use"),
    "performer": ("실연자", "performer"),
    "name": ("이름", "name"),
    "mandate": ("회원구분", "mandate"),
    "gross": ("총액", "gross"),
    "payable": ("지급액", "payable"),
    "held": ("보류액", "held"),
    "hold_reason": ("보류사유", "held because"),
    "nobody_yet": ("(아직 정해지지 않음)", "(nobody yet)"),
    "won": ("원", "won"),
    "total": ("합계", "total"),
    "change": ("변경", "change"),
    "before": ("저장된 값", "as stored"),
    "now": ("지금 명부", "registers now"),
    "ledger": ("징수구분", "ledger"),
    "change_added": ("추가", "added"),
    "change_removed": ("제외", "removed"),
    "change_mandate": ("회원구분", "mandate"),
    "change_featured": ("주·부", "featured"),
    "change_weight": ("지분", "share"),
    "fact_of_no_file": (
        "정보 파일에 있으나 검사한 파일이 아님",
        "stands in the facts file, but no such file was scanned",
    ),
}


def word(name: str, told: Options) -> str:
    """A word of the screen in the person's language."""
    ko, en = _WORDS.get(name, (name, name))
    return ko if told.language == "ko" else en


def said(told: Options, error: ErrorInfo | RightscanError) -> tuple[str, str]:
    """Cause and remedy in the person's language."""
    return error_words.said(error.code, error.cause, error.remedy, told.language)


def error(told: Options, trouble: RightscanError, about: str = "") -> None:
    """Why a command ended, on standard error; ``about`` names the input where the cause does not."""
    cause, remedy = said(told, trouble)
    if about:
        cause = f"{about}: {cause}"
    Console(stderr=True).print(f"[red]{escape(cause)}[/red] \\[{escape(trouble.code)}]\n→ {escape(remedy)}")


def problem(told: Options, code: str, cause: str, remedy: str, about: str) -> None:
    """Why one input was not taken, on standard error."""
    cause, remedy = error_words.said(code, cause, remedy, told.language)
    _warn(f"{about}: {cause} [{code}]\n→ {remedy}")


def fact_problem(told: Options, path: str, problem: FactProblem) -> None:
    """An upload fact that was taken as empty, on standard error."""
    words = problem_words(problem.code)
    cause = words["ko"] if told.language == "ko" else words["en"]
    remedy = problem.remedy_ko if told.language == "ko" else problem.remedy
    value = f" {problem.value!r}" if problem.value else ""
    _warn(f"{path}: {problem.name}{value}: {cause} → {remedy}")


def note(told: Options, path: str, name: str) -> None:
    """A remark on one input, on standard error."""
    _warn(f"{path}: {word(name, told)}")


def _warn(text: str) -> None:
    Console(stderr=True).print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)


def console(told: Options) -> Console:
    """Where tables go: standard output, or standard error while JSON has that for itself."""
    return Console(stderr=told.json)


def json_line(value: Any) -> None:
    """One JSON object on standard output."""
    # Lone surrogates of a file name cannot be written as UTF-8; JSON can say them escaped.
    text = canonical_json(value)
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode() + "\n")
    sys.stdout.flush()


def table(told: Options, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table; every cell is text of somebody else and is shown as it is, never as markup."""
    shown = Table(title=escape(title), title_justify="left")
    for column in columns:
        shown.add_column(escape(word(column, told)), overflow="fold")
    for row in rows:
        shown.add_row(*(escape(cell) for cell in row))
    console(told).print(shown)


def scan_table(told: Options, results: Sequence[ScanResult], title: str = "") -> None:
    """What was found: one line per finding."""
    columns = (
        "file",
        "state",
        "code",
        "recording",
        "in_upload",
        "in_original",
        "strength",
        "performers",
        "note",
    )
    table(told, title, columns, [row for result in results for row in _scan_rows(told, result)])


def _scan_rows(told: Options, result: ScanResult) -> list[list[str]]:
    segments = {(s.recording_id, s.media_start): s for s in result.segments}
    rows = []
    state = word(result.state, told)
    for finding in result.findings:
        segment = segments.get((finding.recording_id or "", finding.media_start or 0.0))
        info = code_table().infos[Code(finding.code)]
        name = info.ko if told.language == "ko" else info.en
        performers = [_performer(told, p) for p in finding.performers]
        note = note_of(told, finding)
        if result.error is not None:
            note = " → ".join(said(told, result.error))
        rows.append(
            [
                result.path,
                state,
                f"{finding.code} {name}",
                "" if segment is None else f"{segment.title or ''} ({segment.recording_id})",
                "" if segment is None else f"{clock(segment.media_start)}–{clock(segment.media_end)}",
                "" if segment is None else f"{clock(segment.reference_start)}–{clock(segment.reference_end)}",
                "" if segment is None else f"{segment.stated_log10_lr:.1f}",
                "\n".join(performers) or (word("nobody", told) if segment is not None else ""),
                "" if segment is not None and finding.code == "U1" and result.error is None else note,
            ]
        )
    if not rows:
        note = "" if result.error is None else " → ".join(said(told, result.error))
        rows.append([result.path, state, "", "", "", "", "", "", note])
    return rows


def note_of(told: Options, finding: FindingResult) -> str:
    """Why; with the licences that permit it, the best candidates, and what speaks against it."""
    korean = told.language == "ko"
    parts = [finding.reason_ko if korean else finding.reason_en, ", ".join(finding.licence_ids)]
    why = vocabulary.ko if korean else vocabulary.en
    beside = {
        "likeness": [
            f"{one.performer_id} ({word('strength', told)} {one.log10_lr:.1f}, {one.seconds:.0f} s)"
            for one in finding.likeness
        ],
        "conditions": [why("condition", one) for one in finding.conditions] if finding.likeness else [],
        "licence_misses": [
            f"{one.licence_id} ({why('licence_shortfall', one.shortfall)})" for one in finding.licence_misses
        ],
        "similar": [one.recording_id for one in finding.similar],
        "contested_by": finding.contested_by,
    }
    parts += [f"{word(name, told)}: {', '.join(values)}." for name, values in beside.items() if values]
    return " ".join(part for part in parts if part)


def _performer(told: Options, performer: Any) -> str:
    name = performer.name_ko or performer.stage_name or performer.name_roman or performer.performer_id
    if told.language == "en":
        name = performer.name_roman or performer.stage_name or name
    role = ", ".join(performer.roles)
    if told.language == "en":
        role = ", ".join(
            vocabulary.en("role", r) if r in vocabulary.word_list("role") else r for r in performer.roles
        )
    share = "—" if performer.weight_num is None else f"{performer.weight_num}/{performer.weight_den}"
    return f"{name} {role} ({share})".replace("  ", " ")


def clock(seconds: float) -> str:
    """A time as minutes and seconds."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}"


def register_table(told: Options, result: RegisterResult) -> None:
    """What became of a catalogue."""
    out = console(told)
    if result.error is not None:
        cause, remedy = said(told, result.error)
        out.print(f"{escape(result.path)}: [red]{escape(cause)}[/red] → {escape(remedy)}")
        return
    counts = ", ".join(
        f"{word(name, told)} {getattr(result, name)}"
        for name in ("created", "updated", "unchanged", "invalid", "indexed")
    )
    out.print(f"{escape(result.path)}: {escape(counts)}")
    if result.rows:
        table(
            told,
            "",
            ("file", "row", "outcome", "column", "value", "problem", "remedy"),
            [
                [
                    f"{r.file} {r.sheet}",
                    str(r.row or ""),
                    word("refused" if r.outcome == "invalid" else r.outcome, told),
                    r.column or "",
                    r.value or "",
                    *_row_words(told, r),
                ]
                for r in result.rows
            ],
        )


def _row_words(told: Options, row: RowOutcome) -> tuple[str, str]:
    """What is wrong with a row of a catalogue, with its code, and what to do."""
    code = row.code or ""
    words = error_words.korean(code)
    if words is None:
        return code, row.remedy or ""
    if told.language == "ko":
        return f"{words.ko} ({code})", words.remedy_ko
    return f"{words.en} ({code})", row.remedy or ""
