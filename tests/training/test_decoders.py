"""Neural decoders: they need PyTorch, which the training environment alone has."""

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is in the training environment alone (make setup-training)"
)

from training.synthesis.decoders.families import DECODERS  # noqa: E402
from training.synthesis.decoders.training import mel_agreement, resynthesise, train  # noqa: E402
from training.synthesis.lines import contrast_db, whitened  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_gives_back_the_length_it_was_given(name):
    decoder = DECODERS[name]
    torch.manual_seed(0)
    network = decoder.build().eval()
    assert 4e4 < sum(weight.numel() for weight in network.parameters()) < 2.5e6
    for length in (decoder.rate // 2, decoder.rate // 2 + 137):
        sound = 0.1 * np.random.default_rng(0).standard_normal(length).astype(np.float32)
        out = resynthesise(network, sound, seed=1, device="cpu")
        assert out.shape == sound.shape
        assert np.isfinite(out).all()


def test_lines_stand_where_the_strides_say_before_any_training():
    strong = {}
    for name in ("encodec_24k", "nearest_44k"):
        decoder = DECODERS[name]
        torch.manual_seed(0)
        sound = 0.1 * np.random.default_rng(0).standard_normal(6 * decoder.rate).astype(np.float32)
        made = resynthesise(decoder.build().eval(), sound, seed=1, device="cpu")
        strong[name] = contrast_db(whitened(made), decoder.rate, decoder.rate / 40, decoder.rate / 2)
    assert strong["encodec_24k"] > strong["nearest_44k"] + 3


def test_fundamentals_are_rate_over_products_of_the_last_strides():
    assert DECODERS["encodec_24k"].fundamentals == (12000, 3000, 600, 75)
    assert DECODERS["istft_head"].fundamentals == ()


@pytest.mark.parametrize("name", ["istft_head_16k", "hifigan_884", "flow", "diffusion"])
def test_seconds_of_training_lower_the_loss(name):
    decoder = DECODERS[name]
    torch.manual_seed(0)
    network = decoder.build()
    t = np.arange(3 * decoder.rate) / decoder.rate
    sound = (0.2 * np.sin(2 * np.pi * 220 * t) * (1 + np.sin(2 * np.pi * 3 * t)) / 2).astype(np.float32)
    sound += 0.005 * np.random.default_rng(0).standard_normal(sound.size).astype(np.float32)
    first = train(decoder, network, [sound], 0.5, seed=1, device="cpu")
    second = train(decoder, network, [sound], 5.0, seed=2, device="cpu")
    assert second.steps > 5
    assert second.loss < first.loss
    assert np.all(
        np.isfinite(mel_agreement(resynthesise(network, sound, seed=1, device="cpu"), sound, decoder.rate))
    )


def test_agreement_sees_a_decoder_that_ignores_its_input():
    rng = np.random.default_rng(0)
    swell = np.abs(np.sin(np.arange(32000) / 3000)).astype(np.float32)
    noise = (0.1 * rng.standard_normal((2, 32000))).astype(np.float32)
    near, alike = mel_agreement(noise[0] * swell, noise[1] * swell, 16000)
    far, none = mel_agreement(noise[0], noise[1] * swell, 16000)
    assert alike > 0.5 > 0.2 > abs(none)
    assert near < far
