"""What holds of names, money, catalogues, periods and codes whatever comes in."""

import contextlib
import csv
import datetime as dt
import io
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from rightscan.errors import PermanentError
from rightscan.rights.axes import Axes, AxisA, AxisB, AxisC, AxisD, Completeness, Inputs
from rightscan.rights.catalogue import check_audio_path, parse_catalogue, read_catalogue, sheets
from rightscan.rights.codes import Code, derive
from rightscan.rights.lineup import Lineup, LineupEntry
from rightscan.rights.money import Share, largest_remainder, profiles, share_lineup, split
from rightscan.rights.names import clean_text, comparison_key, safe_filename
from rightscan.rights.periods import kst_month, month_bounds
from rightscan.rights.personal_data import find_leaks
from rightscan.rights.upload_facts import UploadFacts, from_metadata, parse_facts, to_metadata

any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates too
weights = st.lists(st.fractions(min_value=0, max_value=1, max_denominator=1000), min_size=1, max_size=30)
won = st.integers(min_value=-(10**12), max_value=10**12)
profile = st.sampled_from(profiles())
line_up = st.dictionaries(st.sampled_from([f"P{i}" for i in range(12)]), st.booleans(), min_size=1)


# --- names


@given(any_text)
def test_cleaning_twice_is_cleaning_once(text):
    assert clean_text(clean_text(text)) == clean_text(text)
    clean_text(text).encode()


@given(any_text)
def test_keys_ignore_case_form_and_spacing(text):
    assert comparison_key(comparison_key(text)) == comparison_key(text)
    assert comparison_key(f"  {text}\u200b ") == comparison_key(text)


@given(any_text, st.integers(32, 300))
def test_a_safe_filename_is_safe(text, limit):
    name = safe_filename(text, limit)
    assert name
    assert len(name.encode()) <= limit
    assert name not in (".", "..")
    assert not set(name) & set('/\\:*?"<>|\0')
    assert safe_filename(name, limit) == name


# --- money


@given(weights, won, st.data())
def test_the_parts_sum_to_the_whole(parts, total, data):
    if not any(parts):
        parts = [Fraction(1)] * len(parts)
    keys = data.draw(st.permutations(range(len(parts))))
    shares = largest_remainder(parts, total, keys)
    assert sum(shares) == total
    for part, share in zip(parts, shares, strict=True):
        assert abs(share - part * total / sum(parts)) < 1
    assert largest_remainder(parts, -total, keys) == [-share for share in shares]
    # The order in which the parts are listed decides nothing: ties go by key.
    order = data.draw(st.permutations(range(len(parts))))
    again = largest_remainder([parts[i] for i in order], total, [keys[i] for i in order])
    assert again == [shares[i] for i in order]


@given(profile, line_up, won)
def test_every_split_sums_to_one_and_pays_equals_equally(rule, performers, total):
    listed = [Share(name, featured) for name, featured in performers.items()]
    parts = split(rule, listed)
    assert list(parts) == sorted(performers)
    assert all(part >= 0 for part in parts.values())
    assert len({part for name, part in parts.items() if performers[name]}) <= 1
    assert len({part for name, part in parts.items() if not performers[name]}) <= 1
    if any(performers.values()):
        assert sum(parts.values()) == 1
    held = 1 - sum(parts.values())
    assert sum(largest_remainder([*parts.values(), held], total)) == total
    assert split(rule, listed + listed[::-1]) == parts


@given(profile, line_up, st.integers(0, 6), st.data())
def test_an_incomplete_line_up_never_pays_more_than_the_completed_one(rule, known, missing, data):
    entries = tuple(LineupEntry("R", name, featured) for name, featured in known.items())
    paid = share_lineup(rule, Lineup("R", len(known) + missing, entries))
    assert sum(paid.parts.values()) + paid.held == 1
    found = data.draw(st.lists(st.booleans(), min_size=missing, max_size=missing))
    late = tuple(LineupEntry("R", f"Q{i}", featured) for i, featured in enumerate(found))
    whole = share_lineup(rule, Lineup("R", len(known) + missing, entries + late))
    assert sum(whole.parts.values()) + whole.held == 1
    for name in known:
        assert paid.parts[name] <= whole.parts[name]
    if not missing:
        assert paid == whole


# --- catalogues

cell = st.one_of(
    any_text,
    st.sampled_from(
        ["R1", "P1", "a.wav", "회원", "C1", "2026-10-31", "주실연", "50", "90", "보컬", "=1", "KR", "a" * 64]
    ),
)


@settings(max_examples=150)
@given(st.sampled_from(list(sheets())), st.lists(st.lists(cell, max_size=12), max_size=6), st.data())
def test_every_row_of_any_csv_is_taken_merged_or_explained(sheet, rows, data):
    headers = [*sheets()[sheet].columns, "share", "비고"]
    columns = data.draw(st.lists(st.sampled_from(headers), unique=True, min_size=3))
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    read = list(read_catalogue(f"{sheet}.csv", text.getvalue().encode(errors="replace")))
    parsed = parse_catalogue(read)
    assert [item.row.row for item in parsed] == [row.row for row in read]
    for item in parsed:
        merged = sheet == "lineups" and not item.problems
        assert item.record or item.problems or merged
    assert parsed == parse_catalogue(read)


@given(st.binary(max_size=400), st.sampled_from([".csv", ".jsonl", ".xlsx"]))
def test_bytes_are_read_or_refused_by_name(data, suffix):
    with contextlib.suppress(PermanentError):
        parse_catalogue(read_catalogue("x" + suffix, data))


@given(any_text)
def test_an_accepted_audio_path_stays_below_the_catalogue(text):
    try:
        path = check_audio_path(text)
    except PermanentError:
        return
    assert not path.startswith("/")
    assert ".." not in path.replace("\\", "/").split("/")


# --- facts, periods, codes, personal data


moments = st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2200, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001


@given(
    st.text(max_size=20),
    st.text(max_size=20),
    st.none() | moments,
    st.sampled_from(["", "broadcast", "on_demand"]),
)
def test_facts_survive_object_metadata(channel, uploader, posted_at, use_type):
    facts = parse_facts({"channel": channel, "uploader": uploader}.items()).facts
    facts = UploadFacts(
        channel=facts.channel, uploader=facts.uploader, posted_at=posted_at, use_type=use_type
    )
    assert from_metadata(to_metadata(facts)).facts == facts


@given(moments)
def test_a_moment_lies_in_its_own_period(moment):
    start, end = month_bounds(kst_month(moment))
    assert start <= moment < end


@given(
    st.sampled_from(AxisA), st.sampled_from(AxisB), st.sampled_from(AxisC), st.sampled_from(AxisD),
    st.integers(0, 5), st.none() | st.integers(1, 5),
)  # fmt: skip
def test_more_evidence_of_a_licence_never_accuses(a, b, c, d, known, size):
    inputs = Inputs(Completeness(known, size))
    licensed = derive(Axes(a, b, c, AxisD.AI_LICENCE), inputs)
    assert licensed.code is Code.L1
    if d is not AxisD.NONE_FOUND:
        assert derive(Axes(a, b, c, d), inputs).code is not Code.A1


@given(st.text("0123456789-. ", max_size=40))
def test_leaks_lie_in_the_text_and_in_order(text):
    leaks = find_leaks(text)
    assert all(0 <= leak.start < leak.end <= len(text) for leak in leaks)
    assert [leak.start for leak in leaks] == sorted(leak.start for leak in leaks)
