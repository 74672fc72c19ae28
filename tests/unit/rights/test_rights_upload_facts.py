"""Upload facts from metadata, facts.csv and sidecars: read, or empty with a problem; never guessed."""

import datetime as dt

import pytest

from rightscan.errors import PermanentError, UsageError
from rightscan.rights.upload_facts import (
    UploadFacts,
    from_metadata,
    is_sidecar,
    parse_facts,
    read_facts_csv,
    read_sidecar,
    to_metadata,
    uploader_ref,
)

FACTS = UploadFacts(
    platform="유튜브",
    channel="보기 채널 100%",
    uploader="@게시자",
    url="https://video.example/watch?v=a%20b&t=1",
    posted_at=dt.datetime(2026, 10, 31, 15, 30, tzinfo=dt.UTC),
    captured_at=dt.datetime(2026, 11, 2, tzinfo=dt.UTC),
    use_type="on_demand",
    territory="KR",
)


def test_metadata_round_trip():
    metadata = to_metadata(FACTS)
    assert set(metadata) == {
        "rs-platform", "rs-channel", "rs-uploader", "rs-url", "rs-posted-at", "rs-captured-at", "rs-use-type",
        "rs-territory",
    }  # fmt: skip
    assert all(value.isascii() for value in metadata.values())
    assert from_metadata(metadata) == from_metadata(
        {f"X-Amz-Meta-{k.title()}": v for k, v in metadata.items()}
    )
    parsed = from_metadata(metadata)
    assert (parsed.facts, parsed.problems) == (FACTS, ())


def test_others_metadata_is_left_alone_and_our_misspelt_one_is_named():
    parsed = from_metadata({"x-amz-meta-camera": "x", "content-type": "audio/wav", "rs-plattform": "a"})
    assert parsed.facts == UploadFacts()
    assert [(problem.name, problem.code) for problem in parsed.problems] == [
        ("plattform", "fact_unknown_name")
    ]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("posted-at", "31/10/2026", "fact_bad_date"),
        ("captured-at", "yesterday", "fact_bad_date"),
        ("use-type", "telepathy", "fact_unknown_use_type"),
        ("territory", "Kore", "fact_bad_territory"),
        ("platform", "%FF%FE", "bad_encoding"),
        ("channel", "971013-1234567", "personal_number"),
    ],
)
def test_what_cannot_be_read_is_empty_with_a_problem(name, value, code):
    parsed = from_metadata({f"rs-{name}": value, "rs-uploader": "u"})
    assert parsed.facts == UploadFacts(uploader="u")
    (problem,) = parsed.problems
    assert problem.code == code
    assert problem.remedy
    assert problem.remedy_ko
    assert problem.value == ("" if code == "personal_number" else value)


def test_words_in_korean_and_numbers_in_addresses():
    row = {"이용형태": "방송", "국가": "한국", "게시일시(KST)": "2026-11-01 00:30"}
    parsed = parse_facts((row | {"url": "https://x.example/9710131234567"}).items())
    assert parsed.problems == ()
    assert (parsed.facts.use_type, parsed.facts.territory) == ("broadcast", "KR")
    assert parsed.facts.posted_at == dt.datetime(2026, 10, 31, 15, 30, tzinfo=dt.UTC)
    assert parsed.facts.url.endswith("9710131234567")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949"])
def test_facts_csv(encoding):
    text = "path,platform,posted_at\r\na.mp3,라디오,2026-10-31\r\nb.mp3,,x\r\n,,\r\nc.mp3,1,\r\nc.mp3,2,\r\n"
    facts = read_facts_csv(text.encode(encoding))
    assert list(facts) == ["a.mp3", "b.mp3", "c.mp3"]
    assert facts["a.mp3"].facts.platform == "라디오"
    assert [problem.code for problem in facts["b.mp3"].problems] == ["fact_bad_date"]
    assert [problem.code for problem in facts["c.mp3"].problems] == ["fact_path_twice"]
    assert facts["c.mp3"].facts == UploadFacts()
    for data in (b"", b"file,platform\na,b\n"):
        with pytest.raises(PermanentError, match="no_header"):
            read_facts_csv(data)


def test_sidecar():
    parsed = read_sidecar('{"platform": "팟캐스트", "posted-at": 5, "channel": null}'.encode())
    assert parsed.facts == UploadFacts(platform="팟캐스트")
    assert [(problem.name, problem.code) for problem in parsed.problems] == [("posted_at", "fact_not_text")]
    for data in (b"[]", b"", b"\xff", b"{" * 100_000):
        with pytest.raises(PermanentError, match="bad_sidecar"):
            read_sidecar(data)
    assert is_sidecar("곡.wav.rs.json")
    assert not is_sidecar("곡.wav")


def test_metadata_beyond_s3s_limit_is_refused():
    with pytest.raises(UsageError, match="facts_too_long"):
        to_metadata(UploadFacts(channel="가" * 230))


def test_uploader_ref_is_keyed_stable_and_not_the_name():
    key = b"k" * 32
    ref = uploader_ref("김민수", key)
    assert ref == uploader_ref("\u1100\u1175\u11b7민수", key)  # NFD
    assert len(ref) == 32
    assert ref != uploader_ref("김민수", b"j" * 32)
    assert ref != uploader_ref("김민서", key)
    assert uploader_ref("", key) == ""
    with pytest.raises(UsageError, match="short_key"):
        uploader_ref("a", b"short")
