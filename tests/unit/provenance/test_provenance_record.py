"""The record: JSON and back, words for each of its codes, and the reader inside the guarded child."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import unicodedata
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rightscan.provenance
from rightscan.media.guard import run_guarded
from rightscan.media.limits import Limits
from rightscan.provenance import Provenance, TrustSettings, read_provenance, records, unread
from rightscan.provenance.manifests import declaration, interpret
from rightscan.provenance.vocabulary import load, words
from signed_media import action, authority, signed, sound

PACKAGE = Path(rightscan.provenance.__file__).parent


def test_every_code_has_words_in_both_languages():
    for kind, codes in (
        ("state", get_args(records.State)),
        ("tags", get_args(records.TagState)),
        ("extent", get_args(records.Extent)),
        ("by", ("c2pa", "tag")),
    ):
        assert set(load("words.toml")[kind]) == set(codes)
    for code, entry in load("words.toml")["problem"].items():
        korean, english = words("problem", code)
        assert (korean, english) == (entry["ko"], entry["en"])
        assert unicodedata.is_normalized("NFC", korean)
        assert any("가" <= letter <= "힣" for letter in korean)
        assert english.isascii()
        assert "침해" not in korean


def test_every_problem_in_the_source_has_words():
    found = set()
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Problem", "_unverified"):
                place = node.args[0] if getattr(node.func, "id", "") == "Problem" else node.args[1]
                found |= {one.value for one in ast.walk(place) if isinstance(one, ast.Constant)}
    assert found == set(load("words.toml")["problem"])


def test_parts_are_those_of_the_domain():
    parts = {entry.get("part", "whole") for entry in load("generators.toml")["generator"]}
    assert parts | set(load("generators.toml")["disclosure"]["parts"].values()) <= set(get_args(records.Part))


def test_a_record_goes_into_json_and_back(tmp_path):
    path = tmp_path / "upload"
    mining = {"label": "cawg.training-mining", "data": {"entries": {"cawg.data_mining": {"use": "allowed"}}}}
    path.write_bytes(signed("mp3", actions=[action("trainedAlgorithmicMedia")], assertions=[mining]))
    found = read_provenance(path, container="mp3", trust=TrustSettings())
    value = json.loads(json.dumps(found.to_json(), ensure_ascii=False))
    assert Provenance.from_json(value) == found
    assert Provenance.from_json(value).to_json() == value
    assert set(value) == {"format", *(one.name for one in dataclasses.fields(Provenance))}
    with pytest.raises(KeyError):
        Provenance.from_json({key: entry for key, entry in value.items() if key != "c2pa"})
    with pytest.raises(TypeError):
        Provenance.from_json({**value, "c2pa": {**value["c2pa"], "more": 1}})


def test_a_record_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        unread("mp3", "decoder_crashed").container = "wav"


def test_a_stopped_reader_declares_nothing():
    found = unread("mp3", "decode_memory_limit")
    assert (found.container, found.c2pa.state, found.tags) == ("mp3", "invalid", "unreadable")
    assert found.declarations == ()
    assert Provenance.from_json(found.to_json()) == found
    assert found.problems[0].detail == "decode_memory_limit"


# ---- what the library might hand over -------------------------------------------------------------------
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "active_manifest",
                    "manifests",
                    "m",
                    "assertions",
                    "label",
                    "data",
                    "actions",
                    "digitalSourceType",
                    "ingredients",
                    "validation_results",
                    "failure",
                    "entries",
                    "signature_info",
                    "claim_generator_info",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@settings(max_examples=200, deadline=None)
@given(json_values, json_values, st.sampled_from(["Trusted", "Valid", "Invalid", None, 1]))
def test_any_store_ends_in_a_state(store, manifest, state):
    for value in (store, {"active_manifest": "m", "manifests": {"m": manifest}, "validation_state": state}):
        found = interpret(value, anchored=False)
        assert found.state in ("valid_untrusted", "invalid")
        declaration(found)


def store_of(*actions: dict, state: str = "Trusted", **more: object) -> dict:
    manifest = {"assertions": [{"label": "c2pa.actions", "data": {"actions": list(actions)}}], **more}
    return {"active_manifest": "m", "manifests": {"m": manifest}, "validation_state": state}


def test_trust_needs_an_anchor_whatever_the_library_says():
    store = store_of({"action": "c2pa.created", "digitalSourceType": "x/trainedAlgorithmicMedia"})
    assert interpret(store, anchored=True).state == "trusted"
    found = interpret(store, anchored=False)
    assert found.state == "valid_untrusted"
    assert declaration(found).trusted is False


def test_the_agent_of_a_version_1_action_is_a_string():
    agent = {
        "action": "c2pa.created",
        "digitalSourceType": "x/trainedAlgorithmicMedia",
        "softwareAgent": "Agent 2",
    }
    found = declaration(interpret(store_of(agent, claim_generator="Tool/1 c2pa-rs/0.1"), anchored=True))
    assert found.generator == "Agent 2"
    del agent["softwareAgent"]
    found = declaration(interpret(store_of(agent, claim_generator="Tool/1 c2pa-rs/0.1"), anchored=True))
    assert found.generator == "Tool/1 c2pa-rs/0.1"


@pytest.mark.parametrize(
    "uri", ["x/trainedAlgorithmicMedia", "x/TrainedAlgorithmicMedia/", "trainedAlgorithmicMedia"]
)
def test_a_source_type_is_told_by_its_last_part(uri):
    assert declaration(interpret(store_of({"digitalSourceType": uri}), anchored=True)).extent == "full"


def test_no_source_type_declares_nothing():
    found = declaration(interpret(store_of({"action": "c2pa.opened"}), anchored=True))
    assert (found.extent, found.detail) == ("none_declared", "no digitalSourceType")


def test_a_thousand_entries_are_cut_the_strongest_kept():
    weak = [{"action": f"a{number}", "digitalSourceType": "x/digitalCapture"} for number in range(1000)]
    found = interpret(store_of(*weak, {"digitalSourceType": "x/trainedAlgorithmicMedia"}), anchored=True)
    assert len(found.sources) == 64
    assert declaration(found).extent == "full"
    assert [(one.code, one.detail) for one in found.problems] == [("too_many_entries", "sources")]


def test_ingredients_in_a_circle_end():
    manifests = {
        name: {"ingredients": [{"active_manifest": other, "relationship": "componentOf"}]}
        for name, other in (("m", "n"), ("n", "m"))
    }
    store = {"active_manifest": "m", "manifests": manifests, "validation_state": "Valid"}
    assert interpret(store, anchored=False).state == "valid_untrusted"


def test_deep_values_end():
    value: dict = {"digitalSourceType": "x/trainedAlgorithmicMedia"}
    for _ in range(500):
        value = {"a": value}
    assert interpret(store_of(value), anchored=True).sources == ()


# ---- in the child ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("codec", ["wav", "mp3", "flac", "mp4"])
def test_it_works_under_the_limits_of_the_guarded_child(tmp_path, codec):
    path, workdir = tmp_path / "upload", tmp_path / "work"
    workdir.mkdir()
    path.write_bytes(signed(codec, actions=[action("trainedAlgorithmicMedia")]))
    root = authority().root_pem
    answer = run_guarded(
        "rightscan.provenance:read_in_child",
        {"path": str(path), "container": None, "anchors_pem": root.decode()},
        limits=Limits(decode_memory_bytes=1 << 30),
        workdir=workdir,
    )
    here = read_provenance(path, container=None, trust=TrustSettings(root))
    assert Provenance.from_json(answer) == here
    assert here.c2pa.state == "trusted"


def test_the_docs_name_every_state_and_problem():
    page = (Path(__file__).parents[3] / "docs" / "provenance.md").read_text("utf-8")
    codes = {*get_args(records.State), *load("words.toml")["problem"]}
    assert {code for code in codes if not re.search(rf"`{code}`", page)} == set()


def test_the_sound_of_the_tests_has_no_manifest(tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(sound("wav"))
    assert read_provenance(path, container=None, trust=TrustSettings()).declarations == ()
