"""C2PA manifests: five states in every container, what each source type declares, and no network, ever."""

from __future__ import annotations

import hashlib
import http.server
import json
import struct
import threading

import c2pa
import pytest

from rightscan.errors import UsageError
from rightscan.provenance import Provenance, TrustSettings, read_provenance
from rightscan.provenance import credentials as credentials_module
from signed_media import MEDIA_TYPES, SOURCE_TYPES, action, authority, signed, sound

CODECS = sorted(MEDIA_TYPES)
AI = "trainedAlgorithmicMedia"


@pytest.fixture
def read(tmp_path):
    def call(data: bytes, container: str | None = None, anchors: bytes = b"") -> Provenance:
        path = tmp_path / "upload"
        path.write_bytes(data)
        before = (hashlib.sha256(data).hexdigest(), path.stat().st_mtime_ns)
        found = read_provenance(path, container=container, trust=TrustSettings(anchors))
        assert (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) == before
        assert [one.name for one in tmp_path.iterdir()] == ["upload"]
        once, again = (
            json.dumps(one.to_json())
            for one in (found, read_provenance(path, container=container, trust=TrustSettings(anchors)))
        )
        assert once == again
        assert Provenance.from_json(json.loads(once)) == found
        return found

    return call


def the(found: Provenance):
    """The manifest's one declaration."""
    (one,) = (entry for entry in found.declarations if entry.by == "c2pa")
    return one


# ---- states ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("codec", CODECS)
def test_intact_is_not_trusted_without_an_anchor(read, codec):
    found = read(signed(codec, actions=[action(AI)]))
    assert found.container == codec
    assert found.c2pa.state == "valid_untrusted"
    assert (the(found).extent, the(found).trusted) == ("full", False)
    assert "signingCredential.untrusted" in {one.code for one in found.c2pa.codes if one.kind == "failure"}


@pytest.mark.parametrize("codec", CODECS)
def test_a_configured_anchor_makes_it_trusted(read, codec):
    found = read(signed(codec, actions=[action(AI)]), anchors=authority().root_pem)
    assert found.c2pa.state == "trusted"
    assert (the(found).extent, the(found).trusted, the(found).part) == ("full", True, "whole")
    assert found.c2pa.issuer == "Test Organisation"
    assert found.c2pa.signer == "Authority signer"
    assert found.c2pa.claim_generator == "Maker 1.0"
    assert found.c2pa.algorithm == "Es256"
    assert found.c2pa.problems == ()


def test_another_authority_does_not(read):
    found = read(signed(actions=[action(AI)]), anchors=authority("Another").root_pem)
    assert found.c2pa.state == "valid_untrusted"


def test_one_of_several_anchors_is_enough(read):
    anchors = authority("Another").root_pem + authority().root_pem
    assert read(signed(), anchors=anchors).c2pa.state == "trusted"


@pytest.mark.parametrize("codec", CODECS)
def test_changed_sound_is_invalid_and_declares_nothing(read, codec):
    data = bytearray(signed(codec, actions=[action(AI)]))
    plain = sound(codec)
    # A stretch of the sound itself, wherever the manifest was put.
    place = data.index(plain[len(plain) // 2 :][:64])
    data[place] ^= 0xFF
    found = read(bytes(data), anchors=authority().root_pem)
    assert found.c2pa.state == "invalid"
    assert found.declarations == ()
    failures = {one.code for one in found.c2pa.codes if one.kind == "failure"}
    assert any(code.endswith("Hash.mismatch") for code in failures)
    # What it says is reported all the same.
    assert [one.counts for one in found.c2pa.sources] == ["full"]
    assert found.c2pa.claim_generator == "Maker 1.0"


@pytest.mark.parametrize("codec", CODECS)
def test_no_manifest_is_absent(read, codec):
    found = read(sound(codec), anchors=authority().root_pem)
    assert found.c2pa.state == "absent"
    assert found.declarations == ()


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("ogg", "ogg"),
        ("opus", "ogg"),
        ("webm", "matroska"),
        ("mkv", "matroska"),
        ("aiff", "aiff"),
        ("adts", "aac"),
        ("wma", "asf"),
    ],
)
def test_containers_that_the_library_does_not_read_differ_from_absent(read, codec, name):
    found = read(sound(codec))
    assert (found.container, found.c2pa.state) == (name, "unsupported_container")
    assert found.c2pa.problems == ()


def test_a_wave_of_64_bit_is_unsupported(read):
    found = read(b"RF64" + sound("wav")[4:])
    assert (found.container, found.c2pa.state) == ("rf64", "unsupported_container")


def test_the_callers_name_counts_where_the_bytes_tell_nothing(read):
    assert read(b"nothing known", "mpegts").container == "mpegts"
    assert read(b"nothing known").container == "unknown"
    assert read(sound("wav"), "matroska").container == "wav"


# ---- what is declared -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("source_type", "extent"),
    [
        (AI, "full"),
        ("compositeWithTrainedAlgorithmicMedia", "partial"),
        ("compositeSynthetic", "partial"),
        ("algorithmicMedia", "none_declared"),
        ("algorithmicallyEnhanced", "none_declared"),
        ("digitalCapture", "none_declared"),
        ("digitalCreation", "none_declared"),
        ("humanEdits", "none_declared"),
        ("compositeCapture", "none_declared"),
        ("composite", "none_declared"),
        ("virtualRecording", "none_declared"),
        ("dataDrivenMedia", "none_declared"),
        ("http://c2pa.org/digitalsourcetype/trainedAlgorithmicData", "none_declared"),
        ("http://c2pa.org/digitalsourcetype/empty", "none_declared"),
    ],
)
def test_each_source_type_declares_its_extent(read, source_type, extent):
    found = read(signed(actions=[action(source_type)]))
    assert the(found).extent == extent
    assert len(found.declared) == (extent != "none_declared")


def test_the_strongest_of_all_actions_counts(read):
    actions = [
        action("digitalCapture"),
        action(None, "c2pa.edited"),
        action("compositeWithTrainedAlgorithmicMedia", "c2pa.edited", softwareAgent={"name": "Voice Swap"}),
    ]
    found = read(signed(actions=actions))
    assert (the(found).extent, the(found).generator) == ("partial", "Voice Swap")
    assert the(found).detail == "digitalSourceType compositeWithTrainedAlgorithmicMedia in c2pa.edited"
    assert len(found.c2pa.sources) == 2


def test_a_source_type_in_another_assertion_counts(read):
    metadata = {
        "label": "cawg.metadata",
        "data": {
            "@context": {"Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"},
            "Iptc4xmpExt:DigitalSourceType": SOURCE_TYPES + AI,
        },
        "kind": "Json",
    }
    found = read(signed(assertions=[metadata]))
    assert the(found).extent == "full"
    assert [one.assertion for one in found.c2pa.sources if one.counts == "full"] == ["cawg.metadata"]


@pytest.mark.parametrize(
    ("relationship", "extent"),
    [("parentOf", "partial"), ("componentOf", "partial"), ("inputTo", "none_declared")],
)
def test_an_ingredient_declares_a_part_at_most(read, relationship, extent):
    made = signed("mp3", actions=[action(AI, softwareAgent={"name": "Song Maker"})])
    actions = [action("digitalCreation")]
    if relationship == "parentOf":
        actions = [action(None, "c2pa.opened", parameters={"ingredientIds": ["song"]})]
    description = {"title": "a song", "relationship": relationship, "label": "song"}
    data = signed(actions=actions, ingredients=[(description, "mp3", made)])
    found = read(data, anchors=authority().root_pem)
    assert found.c2pa.state == "trusted"
    assert the(found).extent == extent
    (source,) = (one for one in found.c2pa.sources if one.manifest == "ingredient")
    assert source.ingredient == f"a song ({relationship})"
    if extent == "partial":
        assert (the(found).generator, the(found).trusted) == ("Song Maker", True)


def test_an_ingredients_ingredient_counts_too(read):
    first = signed("mp3", actions=[action(AI)])
    second = signed("wav", ingredients=[({"title": "one", "relationship": "componentOf"}, "mp3", first)])
    third = signed("flac", ingredients=[({"title": "two", "relationship": "componentOf"}, "wav", second)])
    assert the(read(third)).extent == "partial"


def test_an_ingredient_signed_by_a_stranger_is_not_trusted(read):
    made = signed("mp3", actions=[action(AI)], by=authority("Another"))
    data = signed(ingredients=[({"title": "a song", "relationship": "componentOf"}, "mp3", made)])
    found = read(data, anchors=authority().root_pem)
    assert (the(found).extent, the(found).trusted) == ("partial", False)


def test_a_broken_ingredient_declares_nothing(read):
    made = bytearray(signed("mp3", actions=[action(AI)]))
    made[-1000] ^= 0xFF
    data = signed(ingredients=[({"title": "a song", "relationship": "componentOf"}, "mp3", bytes(made))])
    found = read(data)
    assert found.declared == ()
    assert [one.counts for one in found.c2pa.sources if one.uri.endswith(AI)] == ["none_declared"]


def test_what_was_placed_is_a_part(read):
    made = ({"title": "a song", "relationship": "componentOf", "label": "song"}, "mp3", sound("mp3"))
    placed = action(AI, "c2pa.placed", parameters={"ingredientIds": ["song"]})
    found = read(signed(actions=[action("digitalCapture"), placed], ingredients=[made]))
    assert the(found).extent == "partial"


@pytest.mark.parametrize("vocabulary", ["cawg", "c2pa"])
def test_training_and_mining_is_reported_per_entry(read, vocabulary):
    entries = {
        f"{vocabulary}.ai_inference": {"use": "notAllowed"},
        f"{vocabulary}.ai_generative_training": {"use": "constrained", "constraint_info": "묻고\u202e 쓰기"},
    }
    mining = {"label": f"{vocabulary}.training-mining", "data": {"entries": entries}}
    found = read(signed(assertions=[mining]))
    assert {
        (one.manifest, one.assertion, one.entry, one.use, one.constraint) for one in found.c2pa.mining
    } == {
        ("active", f"{vocabulary}.training-mining", f"{vocabulary}.ai_inference", "notAllowed", None),
        (
            "active",
            f"{vocabulary}.training-mining",
            f"{vocabulary}.ai_generative_training",
            "constrained",
            "묻고 쓰기",
        ),
    }


def test_a_signers_text_is_made_harmless(read):
    found = read(signed(generator="가\u1100\u1161\x1b[31m\u202e" + "x" * 5000, actions=[action(AI)]))
    assert found.c2pa.claim_generator.startswith("가가[31mx")
    assert len(found.c2pa.claim_generator) <= 301


# ---- hostile --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("codec", ["wav", "mp3", "mp4", "flac"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.999])
def test_a_cut_file_ends_in_a_state(read, codec, share):
    data = signed(codec, actions=[action(AI)])
    found = read(data[: int(len(data) * share)])
    assert found.c2pa.state in ("invalid", "absent")
    assert found.declarations == ()


@pytest.mark.parametrize("codec", CODECS)
def test_a_damaged_manifest_is_invalid_or_says_what_it_said(read, codec):
    data = signed(codec, actions=[action(AI)])
    start, whole = data.index(b"jumb"), read(data).c2pa
    states = []
    for place in range(start, start + 900, 7):
        changed = bytearray(data)
        changed[place] ^= 0x55
        found = read(bytes(changed))
        states.append(found.c2pa.state)
        if found.c2pa.state == "invalid":
            assert found.declarations == ()
        else:  # a bit of a box's header that no hash covers, as the specification has it
            assert (found.c2pa.state, found.c2pa.sources) == ("valid_untrusted", whole.sources)
    assert states.count("invalid") > 0.9 * len(states)


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A wave with chunks behind its sound."""
    body = sound("wav")[8:] + b"".join(name + struct.pack("<I", len(data)) + data for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    "box",
    [
        b"",
        b"\0" * 40,
        b"\xff" * 400,
        struct.pack(">I4s", 0xFFFFFFFF, b"jumb") + b"\0" * 40,
        struct.pack(">I4s", 48, b"jumb") + struct.pack(">I4s", 0, b"jumb") + b"\0" * 32,
        b"jumb" * 100,
    ],
)
def test_a_garbage_box_is_invalid_and_says_why(read, box):
    found = read(riff((b"C2PA", box)))
    assert found.c2pa.state == ("invalid" if box else "absent")
    assert found.declarations == ()
    if box:
        assert [one.code for one in found.c2pa.problems] == ["manifest_unreadable"]


def test_a_manifest_that_is_too_large_is_not_read(read, monkeypatch):
    monkeypatch.setattr(credentials_module, "LARGEST_MANIFEST", 1000)
    found = read(signed(actions=[action(AI)]))
    assert found.c2pa.state == "invalid"
    assert [one.code for one in found.c2pa.problems] == ["manifest_too_large"]


def test_a_file_too_large_to_verify_is_not_held_in_memory(read, monkeypatch):
    monkeypatch.setattr(credentials_module, "LARGEST_IN_MEMORY", 1000)
    assert [one.code for one in read(signed("mp3")).c2pa.problems] == ["file_too_large_to_verify"]
    assert read(sound("mp3")).c2pa.state == "absent"
    assert read(signed("mp4")).c2pa.state == "valid_untrusted"


def test_reading_ends_at_its_limit(read, monkeypatch):
    monkeypatch.setattr(credentials_module, "_BUDGET_FILES", 0)
    monkeypatch.setattr(credentials_module, "_BUDGET_BYTES", 2000)
    found = read(signed("mp4", actions=[action(AI)]))
    assert found.c2pa.state == "invalid"
    assert [one.code for one in found.c2pa.problems] == ["read_limit"]


@pytest.mark.parametrize(
    "anchors",
    [
        b"garbage",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nMIIB\n",
        b"-----BEGIN CERTIFICATE-----\n" + b"A" * (5 << 20) + b"\n-----END CERTIFICATE-----\n",
    ],
)
def test_anchors_that_are_none_are_refused(anchors):
    with pytest.raises(UsageError) as caught:
        TrustSettings(anchors)
    assert caught.value.code == "bad_trust_anchors"


def test_half_an_anchor_is_refused():
    whole = authority().root_pem
    with pytest.raises(UsageError):
        TrustSettings(whole + whole[: len(whole) // 2])
    assert not TrustSettings(b" \n").has_anchors
    assert TrustSettings(whole).has_anchors


# ---- no network -----------------------------------------------------------------------------------------
@pytest.fixture
def listener():
    """A server of this machine and the requests that reached it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        do_GET = do_POST = do_HEAD = _answer  # noqa: N815 (the library asks for these names)

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("codec", ["wav", "mp3", "mp4"])
def test_a_manifest_elsewhere_is_named_and_not_fetched(read, listener, tmp_path, codec):
    url, asked = listener
    data = signed(codec, actions=[action(AI)], remote_url=f"{url}/manifest.c2pa")
    found = read(data, anchors=authority().root_pem)
    assert asked == []
    assert (found.c2pa.state, found.c2pa.remote_url) == ("absent", f"{url}/manifest.c2pa")
    assert [one.code for one in found.c2pa.problems] == ["remote_manifest"]
    assert found.declarations == ()
    # The control: under the library's own settings the same file does open a connection.
    with pytest.raises(c2pa.C2paError):
        c2pa.Reader(MEDIA_TYPES[codec], (tmp_path / "upload").open("rb"), context=c2pa.Context())
    assert asked == ["/manifest.c2pa"]


def test_a_certificates_status_is_not_asked_for(read, listener):
    url, asked = listener
    maker = authority("With status", f"{url}/ocsp")
    found = read(signed(actions=[action(AI)], by=maker), anchors=maker.root_pem)
    assert found.c2pa.state == "trusted"
    assert asked == []


# ---- published fixtures ---------------------------------------------------------------------------------
FIXTURES = {
    "misc/c2pa_fixtures/sample1.wav": "absent",
    "misc/c2pa_fixtures/sample1.mp3": "absent",
    "misc/c2pa_fixtures/sample1.flac": "absent",
    "misc/c2pa_fixtures/sample1.m4a": "absent",
    "video/c2pa_fixtures/legacy.mp4": "valid_untrusted",
    "video/c2pa_fixtures/video1.mp4": "valid_untrusted",
    "video/c2pa_fixtures/video1_no_manifest.mp4": "absent",
    "video/c2pa_fixtures/c.mov": "absent",
}


@pytest.mark.media
@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_published_fixtures(read, media_folder, name):
    if not (media_folder / name).is_file():
        pytest.skip(f"{name} is not among the media")
    data = (media_folder / name).read_bytes()
    found = read(data)
    assert (found.c2pa.state, found.c2pa.problems) == (FIXTURES[name], ())
    if FIXTURES[name] == "valid_untrusted":
        assert found.c2pa.signed_at is not None
        assert found.c2pa.signed_at.startswith("2023-")
        middle = bytearray(data)
        middle[len(data) // 2] ^= 0xFF
        assert read(bytes(middle)).c2pa.state == "invalid"
