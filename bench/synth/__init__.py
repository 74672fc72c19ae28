"""Music that nobody owns: a small seeded synthesiser for the demonstration, the tests and the benches."""

from bench.synth.composition import STYLES
from bench.synth.demo import (
    Appearance,
    Credit,
    DemoSet,
    Expected,
    Person,
    Piece,
    demo_catalogue,
    write_demo,
)
from bench.synth.performance import another_performance, render, stems
from bench.synth.programme import Span, programme, room_noise, speech_like
from bench.synth.unison import unison

__all__ = [
    "STYLES",
    "Appearance",
    "Credit",
    "DemoSet",
    "Expected",
    "Person",
    "Piece",
    "Span",
    "another_performance",
    "demo_catalogue",
    "programme",
    "render",
    "room_noise",
    "speech_like",
    "stems",
    "unison",
    "write_demo",
]
