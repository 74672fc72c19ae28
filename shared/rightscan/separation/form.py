"""What a separator's card says of how sound is handed to it."""

from __future__ import annotations

from dataclasses import dataclass

from rightscan.models.card import ArraySpec, ModelCard
from rightscan.models.fields import Fields, flaw

FORMS = ("magnitude_mask", "waveform")


@dataclass(frozen=True)
class Form:
    """How sound becomes the model's input, and its output sound again.

    Attributes:
        masks: the model turns magnitudes into a mask for the voice; else a waveform into that of the voice.
        sample_rate: Hz, of the sound it works on.
        chunk_s: length of the pieces it is given, s.
        overlap_s: how far a piece reaches into the next one, s.
        channels: rows of the input: 1 is the mean of left and right; 2 is, for masks, mid and side, for waveforms
            left and right.
        multiple: the number of frames (of samples for waveforms) is padded to a multiple of this.
        fixed: the one number of frames or samples that it takes; None where that is free.
        window: length of the transform, samples; 0 for waveforms.
        hop: from one frame to the next, samples; 0 for waveforms.
        bins: frequencies that the model sees, from 0 Hz on.
        holds: above these frequencies the mask goes on as the mean of its highest eighth; else it is 0 there, so
            that the treble stays with the instruments.
        sound_in: name of the input.
        sound_out: name of the output.
    """

    masks: bool
    sample_rate: int
    chunk_s: float
    overlap_s: float
    channels: int
    multiple: int
    fixed: int | None
    window: int
    hop: int
    bins: int
    holds: bool
    sound_in: str
    sound_out: str

    @classmethod
    def of(cls, card: ModelCard) -> Form:
        """Read the form off a card of kind ``separation``.

        Raises:
            PermanentError: ``bad_model_card``.
        """
        where = f"the card of {card.name}, inputs"
        if card.kind != "separation" or len(card.inputs.arrays) != 1 or len(card.outputs.arrays) != 1:
            raise flaw(where, "a separator is of the kind separation and has one input and one output")
        fields = Fields(card.inputs.settings, where)
        masks = fields.choice("form", FORMS) == "magnitude_mask"
        (source,), (result,) = card.inputs.arrays, card.outputs.arrays
        channels, length, bins = _dimensions(source, result, masks, where)
        form = cls(
            masks=masks,
            sample_rate=card.inputs.sample_rate,
            chunk_s=fields.number("chunk_s"),
            overlap_s=fields.number("overlap_s"),
            channels=channels,
            multiple=fields.count("frames_multiple" if masks else "samples_multiple", 1),
            fixed=length if isinstance(length, int) else None,
            window=fields.count("window", 2) if masks else 0,
            hop=fields.count("hop", 1) if masks else 0,
            bins=bins,
            holds=masks and fields.choice("beyond", ("hold", "zero")) == "hold",
            sound_in=source.name,
            sound_out=result.name,
        )
        fields.finish()
        _check(form, where)
        return form

    def padded(self, count: int) -> int:
        """How many frames or samples are handed over for ``count`` that there are."""
        return -(-count // self.multiple) * self.multiple if self.fixed is None else self.fixed

    def frames(self, samples: int) -> int:
        """Frames that cover so many samples, each sample by ``window / hop`` of them."""
        return -(-samples // self.hop) + self.window // self.hop - 1


def _dimensions(source: ArraySpec, result: ArraySpec, masks: bool, where: str) -> tuple[int, int | str, int]:
    """Channels, length and bins of what goes in, held against what comes out."""
    wanted = 4 if masks else 3
    if len(source.shape) != wanted or source.dtype != "float32" or result.dtype != "float32":
        shape = "[1, channels, frames, bins]" if masks else "[1, channels, samples]"
        raise flaw(where, f"a separator of this form takes and gives float32{shape}")
    batch, channels, length, *rest = source.shape
    answers = 1 if masks else channels
    if batch != 1 or channels not in (1, 2) or result.shape != (1, answers, length, *rest):
        raise flaw(where, f"shape {list(source.shape)} in and {list(result.shape)} out do not fit each other")
    if masks and not isinstance(rest[0], int):
        raise flaw(where, "the number of bins must be fixed")
    return int(channels), length, int(rest[0]) if masks else 0


def _check(form: Form, where: str) -> None:
    if form.overlap_s < 0.05 or form.chunk_s < 2 * form.overlap_s or form.chunk_s > 60:
        raise flaw(where, "overlap_s must be 0.05 or more, chunk_s at least twice that and at most 60")
    if form.masks:
        if form.window % form.hop or form.window < 2 * form.hop:
            raise flaw(where, "window must be a multiple of hop, twice or more")
        if not 8 <= form.bins <= form.window // 2 + 1:
            raise flaw(where, "the number of bins must be 8 or more and fit the window")
    count = round(form.chunk_s * form.sample_rate)
    if form.fixed is not None and (form.frames(count) if form.masks else count) > form.fixed:
        raise flaw(where, f"chunk_s does not fit the length {form.fixed} that the model takes")
