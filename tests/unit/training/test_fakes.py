import numpy as np
import pytest
from training.synthesis.classical import mu_law
from training.synthesis.fakes import Maker, chosen_clips, make, matched
from training.synthesis.index import read
from training.synthesis.sound import band_edge, band_limited, read_mono, rms

BOTH = frozenset({"voice", "music"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("fakes")
    clips = chosen_clips(None, 3, 0)[:2]
    makers = [Maker("mu_law", 0, None, BOTH, mu_law), Maker("mu_law_24k", 1, 24000, BOTH, mu_law)]
    assert make(makers, clips, None, out) == {"mu_law": 2, "mu_law_24k": 2}
    assert make(makers, clips, None, out) == {}  # what is there is left
    return out


def test_every_fake_stands_beside_its_real_clip(folder):
    rows = read(folder)
    assert len(rows) == 8
    real = {(row["clip"], row["sample_rate"]): row for row in rows if row["label"] == "real"}
    for row in rows:
        if row["label"] == "fake":
            twin = real[row["clip"], row["sample_rate"]]
            for name in ("site", "subject", "split", "source_path", "start_s", "licence"):
                assert row[name] == twin[name]


def test_pairs_have_one_length_loudness_and_band(folder):
    rows = read(folder)
    sounds = {row["path"]: read_mono(folder / row["path"], int(row["sample_rate"])) for row in rows}
    for row in rows:
        if row["label"] == "fake":
            real = sounds[f"real/{row['sample_rate']}/{row['clip']}.flac"]
            fake = sounds[row["path"]]
            assert fake.size == real.size
            assert rms(fake) == pytest.approx(rms(real), rel=0.02)


def test_a_fake_is_cut_where_its_real_clip_ends():
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal(32000).astype(np.float32)
    real = band_limited(noise, 16000, 5000)
    fake = matched(real, 3 * rng.standard_normal(32000).astype(np.float32) + 9, 16000, 5000)
    assert band_edge(fake, 16000) == pytest.approx(band_edge(real, 16000), abs=60)
    assert rms(fake) == pytest.approx(rms(real), rel=1e-3)
    assert abs(float(fake.mean())) < 1e-4  # no offset


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_no_fake_of_silence(value):
    with pytest.raises(ValueError, match="silent"):
        matched(np.ones(100, np.float32), np.full(100, value, np.float32), 16000, 8000)
