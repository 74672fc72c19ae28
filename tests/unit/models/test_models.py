"""Cards, registry, sessions, settings and external detectors."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnx_files import affine, card_body, detector_folder, write_model
from rightscan.errors import PermanentError, UsageError
from rightscan.models import SHIPPED, EngineSettings, Model, Registry, load_detector, signal_of
from rightscan.models.card import FIGURES, parse_card, read_card
from rightscan.models.check import check, main

FEATURES = np.array([[1, 2, 3], [4, 5, 6]], np.float32)


@pytest.fixture
def plugged(tmp_path: Path) -> Path:
    detector_folder(tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def none_shipped(tmp_path: Path) -> Path:
    (tmp_path / "shipped").mkdir()
    return tmp_path / "shipped"


def edit(folder: Path, **changes) -> Path:
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")
    return folder


def body() -> dict:
    arrays = {"sample_rate": 44100, "arrays": [{"name": "x", "dtype": "float32", "shape": [1, "n"]}]}
    return card_body("tiny", "synthesis", b"data", arrays, {"arrays": arrays["arrays"]})


def code_of(card: dict | bytes) -> str:
    with pytest.raises(PermanentError) as caught:
        parse_card(card if isinstance(card, bytes) else json.dumps(card).encode())
    assert caught.value.remedy
    return caught.value.code


# ---- what is shipped ---------------------------------------------------------------------------------------
def test_every_shipped_model_is_as_its_card_says():
    assert [(one.folder.name, one.problem) for one in check(SHIPPED) if one.problem] == []


def test_every_shipped_model_has_an_error_table_and_lies_under_its_name():
    for one in check(SHIPPED):
        assert one.rows >= 1
        assert one.name == one.folder.name


# ---- cards -------------------------------------------------------------------------------------------------
def test_a_card_is_parsed_whole():
    card = parse_card(json.dumps(body()).encode())
    assert (card.name, card.kind, card.thresholds.queue, card.thresholds.assertion) == (
        "tiny",
        "synthesis",
        1.0,
        None,
    )
    assert card.trials == 300
    assert card.inputs.arrays[0].shape == (1, "n")
    assert card.errors[0].figures["recall_queue"] == 0.8
    assert card.limitations == ("It does nothing.",)


@pytest.mark.parametrize("field", sorted(set(body()) - {"errors"}))
def test_no_field_may_be_missing(field):
    assert code_of({key: value for key, value in body().items() if key != field}) == "bad_model_card"


@pytest.mark.parametrize(
    "change",
    [
        {"licens": "MIT"},
        {"name": "Tiny Model"},
        {"name": ""},
        {"version": 1},
        {"kind": "oracle"},
        {"file": "../model.onnx"},
        {"file": None},
        {"sha256": "0" * 63},
        {"date": "yesterday"},
        {"licence": " "},
        {"training_data": {"statement": "none"}},
        {"training_data": {"statement": "none", "sources": [{"name": "a", "licence": "b", "seconds": -1}]}},
        {"training_data": {"statement": "none", "sources": [{"name": "a", "licence": "b", "seconds": True}]}},
        {"training_data": {"statement": "none", "sources": {}}},
        {"training_data": {"statement": "none", "sources": [], "more": 1}},
        {"inputs": {"arrays": body()["inputs"]["arrays"]}},
        {"inputs": {"sample_rate": 0, "arrays": body()["inputs"]["arrays"]}},
        {"inputs": {**body()["inputs"], "window_s": 0}},
        {"inputs": {"sample_rate": 1, "arrays": []}},
        {"inputs": {"sample_rate": 1, "arrays": body()["inputs"]["arrays"] * 2}},
        {"inputs": {"sample_rate": 1, "arrays": [{"name": "x", "dtype": "complex", "shape": [1]}]}},
        {"inputs": {"sample_rate": 1, "arrays": [{"name": "x", "dtype": "float32", "shape": [0]}]}},
        {"inputs": {"sample_rate": 1, "arrays": [{"name": "x", "dtype": "float32", "shape": [True]}]}},
        {"validated_conditions": {"min_duration_s": {"a": 1}}},
        {"thresholds": None},
        {"thresholds": {"queue": 2.0}},
        {"thresholds": {"queue": 2.0, "assert": 1.0}},
        {"calibration": None},
        {"calibration": {"trials": 0}},
        {"calibration": {"trials": 1.5}},
        {"errors": {"condition": "clean"}},
        {"errors": [{"condition": "clean", "generator": "all"}]},
        {"errors": [{**body()["errors"][0], "eer": "low"}]},
        {"errors": [{**body()["errors"][0], "eer": [0.1]}]},
        {"errors": [{**body()["errors"][0], "n_fake": 0, "n_real": 0}]},
        {"errors": [{key: value for key, value in body()["errors"][0].items() if key != "cllr"}]},
        {"limitations": []},
        {"limitations": ["", "a"]},
    ],
    ids=lambda change: f"{next(iter(change))}",
)
def test_flaws_are_refused(change):
    assert code_of(body() | change) == "bad_model_card"


@pytest.mark.parametrize(
    "data", [b"", b"[1]", b"{", b"\xff", b'{"name": "a", "name": "b"}', b'{"name": NaN}']
)
def test_what_is_no_object_of_json_is_refused(data):
    assert code_of(data) == "bad_model_card"


@pytest.mark.parametrize("errors", [[], None, {}])
def test_a_card_without_an_error_table_is_refused(errors):
    assert code_of(body() | {"errors": errors}) == "model_without_errors"
    assert code_of({key: value for key, value in body().items() if key != "errors"}) == "model_without_errors"


def test_intervals_and_what_could_not_be_measured_are_kept():
    row = {**body()["errors"][0], "eer": [0.1, 0.2], "cllr": None, "recall_queue_60_s": 0.9}
    card = parse_card(json.dumps(body() | {"errors": [row]}).encode())
    figures = card.errors[0].figures
    assert (figures["eer"], figures["cllr"], figures["recall_queue_60_s"]) == ((0.1, 0.2), None, 0.9)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(field=st.sampled_from(sorted(body())), value=json_values)
def test_whatever_stands_in_a_field_the_card_is_read_or_refused_with_words(field, value):
    def read() -> object:
        try:
            return parse_card(json.dumps(body() | {field: value}).encode())
        except PermanentError as error:
            return error

    read_or_refused = read()
    if isinstance(read_or_refused, PermanentError):
        assert read_or_refused.code in ("bad_model_card", "model_without_errors")
    else:
        assert set(FIGURES[read_or_refused.kind]) <= set(read_or_refused.errors[0].figures)


# ---- registry ----------------------------------------------------------------------------------------------
def test_plugged_in_models_are_found_and_run(plugged, none_shipped):
    for folders in ([plugged], [plugged / "tiny"]):
        registry = Registry.open(folders, shipped=none_shipped)
        assert [model.card.name for model in registry.of_kind("synthesis")] == ["tiny"]
        assert registry.separator is None
        scores = registry.get("tiny").run(features=FEATURES)["score"]
        np.testing.assert_array_equal(scores, 2 * FEATURES + 1)


def test_a_changed_file_is_refused_at_opening_and_at_running(plugged, none_shipped):
    model = Registry.open([plugged], shipped=none_shipped).get("tiny")
    path = plugged / "tiny" / "model.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    for act in (lambda: model.run(features=FEATURES), lambda: Registry.open([plugged], shipped=none_shipped)):
        with pytest.raises(PermanentError) as caught:
            act()
        assert caught.value.code == "model_hash_mismatch"
    assert Registry.open([plugged], [], shipped=none_shipped).models == {}


@pytest.mark.parametrize("place", ["shipped", "plugged"])
def test_a_model_without_errors_is_refused_wherever_it_lies(plugged, none_shipped, place):
    edit(plugged / "tiny", errors=[])
    arguments = ([], None) if place == "shipped" else ([plugged], None)
    with pytest.raises(PermanentError) as caught:
        Registry.open(*arguments, shipped=plugged if place == "shipped" else none_shipped)
    assert caught.value.code == "model_without_errors"


def test_names_are_checked(plugged, none_shipped):
    for arguments, code in [
        (([plugged], ["huge"]), "unknown_model"),
        (([plugged, plugged], None), "duplicate_model"),
        (([plugged / "nowhere"], None), "model_folder_missing"),
    ]:
        with pytest.raises(PermanentError) as caught:
            Registry.open(*arguments, shipped=none_shipped)
        assert caught.value.code == code
    with pytest.raises(PermanentError) as caught:
        Registry.open([plugged], separator="tiny", shipped=none_shipped)
    assert caught.value.code == "unknown_model"
    with pytest.raises(PermanentError) as caught:
        Registry.open([plugged], [], shipped=none_shipped).get("tiny")
    assert caught.value.code == "unknown_model"


def test_a_folder_without_a_card_and_a_card_without_a_file_are_refused(plugged, none_shipped):
    (plugged / "tiny" / "model.onnx").unlink()
    with pytest.raises(PermanentError) as caught:
        Registry.open([plugged], shipped=none_shipped)
    assert caught.value.code == "model_file_missing"
    (plugged / "empty").mkdir()
    with pytest.raises(PermanentError) as caught:
        Registry.open([plugged], shipped=none_shipped)
    assert caught.value.code == "bad_model_card"


def test_the_content_hash_changes_with_what_is_switched_on(plugged, none_shipped):
    detector_folder(plugged, "other", gain=3.0)

    def of(*names: str) -> str:
        return Registry.open([plugged], names, shipped=none_shipped).content_hash()

    assert of("tiny", "other") == of("other", "tiny")
    assert len({of(), of("tiny"), of("other"), of("tiny", "other")}) == 4
    before = of("tiny")
    edit(plugged / "tiny", summary="Said otherwise.")
    assert of("tiny") != before


# ---- sessions ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"feature": FEATURES},
        {"features": FEATURES, "more": FEATURES},
        {"features": FEATURES.astype(np.float64)},
        {"features": FEATURES[:, :2]},
        {"features": FEATURES[0]},
    ],
)
def test_inputs_are_held_against_the_card(plugged, arrays):
    with pytest.raises(PermanentError) as caught:
        Model(read_card(plugged / "tiny"), plugged / "tiny").run(**arrays)
    assert caught.value.code == "bad_model_input"


def changed_arrays(key: str, **change) -> dict:
    return {
        key: {"sample_rate": 1, "arrays": [{"name": "x", "dtype": "float32", "shape": ["n", 3], **change}]}
    }


@pytest.mark.parametrize(
    ("shape_in", "shape_out", "change"),
    [
        (["n", 3], ["n", 3], changed_arrays("inputs", name="z")),
        (["n", 3], ["n", 3], changed_arrays("inputs", dtype="float64")),
        (["n", 3], ["n", 3], changed_arrays("inputs", shape=["n", 4])),
        (["n", 3], ["n", 3], changed_arrays("inputs", shape=["n"])),
        (["n", 3], ["n", 3], {"outputs": {"arrays": [{"name": "z", "dtype": "float32", "shape": ["n", 3]}]}}),
        (["n", 3], ["m", 3], {"outputs": {"arrays": [{"name": "y", "dtype": "float32", "shape": [7, 3]}]}}),
    ],
)
def test_a_file_that_does_not_agree_with_its_card_is_refused(tmp_path, shape_in, shape_out, change):
    data = affine("x", "y", shape_in, 1.0, 0.0, shape_out)
    good = {"name": "y", "dtype": "float32", "shape": ["n", 3]}
    card = card_body("odd", "synthesis", data, changed_arrays("inputs")["inputs"], {"arrays": [good]})
    folder = write_model(tmp_path / "odd", card | change, data)
    with pytest.raises(PermanentError) as caught:
        Model(read_card(folder), folder).run(
            **{(change.get("inputs") or card["inputs"])["arrays"][0]["name"]: FEATURES}
        )
    assert caught.value.code in ("bad_model", "bad_model_input")
    if shape_out == ["n", 3]:
        with pytest.raises(PermanentError) as caught:
            Model(read_card(folder), folder).prepare()
        assert caught.value.code == "bad_model"


def test_a_file_that_is_no_model_is_refused(tmp_path):
    data = b"not a model"
    arrays = {"sample_rate": 1, "arrays": [{"name": "x", "dtype": "float32", "shape": [1]}]}
    card = card_body("odd", "synthesis", data, arrays, {"arrays": arrays["arrays"]})
    folder = write_model(tmp_path / "odd", card, data)
    with pytest.raises(PermanentError) as caught:
        Model(read_card(folder), folder).prepare()
    assert caught.value.code == "bad_model"


def test_a_provider_that_is_not_there_is_said(plugged):
    with pytest.raises(PermanentError) as caught:
        Model(read_card(plugged / "tiny"), plugged / "tiny", "NoExecutionProvider").prepare()
    assert caught.value.code == "provider_missing"


def test_two_sessions_give_the_same_bits(plugged):
    models = [Model(read_card(plugged / "tiny"), plugged / "tiny") for _ in range(2)]
    features = np.random.default_rng(1).standard_normal((1000, 3)).astype(np.float32)
    first, second = (model.run(features=features)["score"] for model in models)
    assert first.tobytes() == second.tobytes()


def test_opening_the_registry_loads_no_runtime(plugged):
    script = (
        "import sys; from pathlib import Path; from rightscan.models import Registry;"
        f"Registry.open([Path({str(plugged)!r})]).content_hash();"
        "sys.exit('onnxruntime' in sys.modules or 'pydantic' in sys.modules or 'boto3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# ---- checking ----------------------------------------------------------------------------------------------
def test_the_check_prints_a_table_and_fails_for_a_flaw(plugged, capsys):
    assert main([str(plugged)]) == 0
    assert "as its card says" in capsys.readouterr().out
    edit(detector_folder(plugged, "second"), sha256="0" * 64)
    edit(detector_folder(plugged, "third"), errors=[])
    assert main([str(plugged)]) == 1
    printed = capsys.readouterr().out
    assert "model_hash_mismatch" in printed
    assert "model_without_errors" in printed


# ---- settings ----------------------------------------------------------------------------------------------
def test_everything_can_be_switched_off():
    off = EngineSettings.from_text(engines="none", models="none")
    assert (off.lattice, off.provenance, off.models, off.separator) == (False, False, (), None)
    registry = off.open()
    assert registry.models == {}
    assert (registry.separator, registry.detectors) == (None, ())


def test_settings_are_read_from_text(plugged):
    assert EngineSettings.from_text() == EngineSettings()
    settings = EngineSettings.from_text("lattice", "tiny, ", "none", "", f"{plugged}", "cpu")
    assert settings == EngineSettings(provenance=False, models=("tiny",), folders=(plugged,))
    assert set(settings.open().models) == {"tiny"}
    for wrong in ({"engines": "lattices"}, {"provider": "tpu"}):
        with pytest.raises(UsageError) as caught:
            EngineSettings.from_text(**wrong)
        assert caught.value.code == "bad_engine_settings"


# ---- external detectors ------------------------------------------------------------------------------------
class Detector:
    name, version = "partner", "1"

    def __init__(self, **changes) -> None:
        arrays = {"sample_rate": 16000}
        self.card = parse_card(
            json.dumps(card_body("partner", "external", None, arrays, {}) | changes).encode()
        )

    def score(self, sound, sample_rate):
        return sound.std() * sample_rate


class Failing(Detector):
    def score(self, sound, sample_rate):
        raise KeyError("no such layer")


class Silent(Detector):
    def score(self, sound, sample_rate):
        return float("nan")


@pytest.fixture
def adapters(monkeypatch):
    module = types.ModuleType("partner_adapter")
    module.detector, module.failing, module.silent = Detector, Failing, Silent
    module.other_version = lambda: Detector(version="2")
    module.no_detector = dict
    module.broken = lambda: (_ for _ in ()).throw(ValueError("no licence key"))
    monkeypatch.setitem(sys.modules, "partner_adapter", module)


SOUND = np.ones((100, 2), np.float32) * np.array([1, -1], np.float32)


def test_a_detector_of_others_gives_a_signal(adapters, none_shipped):
    registry = Registry.open(detectors=["partner_adapter:detector"], shipped=none_shipped)
    signal = signal_of(registry.detectors[0], SOUND, 16000)
    assert (signal.name, signal.version, signal.score) == ("partner", "1", 16000.0)
    assert registry.content_hash() != Registry.open(shipped=none_shipped).content_hash()


@pytest.mark.parametrize(
    "place",
    [
        "partner_adapter",
        "no_such_module_here:detector",
        *(f"partner_adapter:{name}" for name in ("nothing", "no_detector", "broken", "other_version")),
    ],
)
def test_what_is_no_detector_is_refused(adapters, place):
    with pytest.raises(PermanentError) as caught:
        load_detector(place)
    assert caught.value.code == "bad_detector"


@pytest.mark.parametrize("name", ["failing", "silent"])
def test_a_detector_that_fails_is_named(adapters, name):
    with pytest.raises(PermanentError) as caught:
        signal_of(load_detector(f"partner_adapter:{name}"), SOUND, 16000)
    assert caught.value.code == "detector_failed"
    assert "partner" in caught.value.cause


def test_the_example_of_the_documents_is_a_detector(monkeypatch, tmp_path):
    text = (Path(__file__).parents[3] / "docs/models.md").read_text("utf-8")
    code = text.partition("```python\n")[2].partition("```")[0]
    assert len(code.strip().splitlines()) <= 24
    card = card_body("partner-detector", "external", None, {"sample_rate": 16000}, {})
    (tmp_path / "card.json").write_text(json.dumps(card), "utf-8")
    (tmp_path / "partner_example.py").write_text(code, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    signal = signal_of(load_detector("partner_example:detector"), SOUND, 44100)
    assert np.isfinite(signal.score)
