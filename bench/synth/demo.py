"""A catalogue and a day's uploads to show and test the whole system on, with the truth beside them.

Every person, title, group, platform and channel here is invented; a likeness to anybody real is accident.
ISRCs carry the country code DG, which the standard's table reserves and nobody has been given; IPN and ISNI
stay empty, because an invented number might be somebody's. Addresses end in ``.example`` (RFC 2606).
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import xlsxwriter
from bench.synth.performance import another_performance, band, render, stems
from bench.synth.programme import Part as ProgrammePart
from bench.synth.programme import programme
from bench.synth.signal import Signal
from bench.synth.vocoder import resynthesised

from rightscan.media.encode import encode
from rightscan.rights import vocabulary

_KST = dt.timezone(dt.timedelta(hours=9))


@dataclass(frozen=True)
class Person:
    """An invented performer; ``mandate`` is 회원, 비회원 or 해외."""

    performer_id: str
    name_ko: str
    name_roman: str
    stage_name: str = ""
    group: str = ""
    birth_year: int = 1985
    mandate: str = "회원"

    @property
    def known_as(self) -> str:
        """The name on the sleeve."""
        return self.stage_name or self.name_ko


@dataclass(frozen=True)
class Credit:
    """One row of a line-up: ``category`` 가창 or 연주, ``role`` a word of the role mapping."""

    performer: Person
    category: str
    role: str
    instrument: str
    featured: bool


@dataclass(frozen=True)
class Piece:
    """A recording of the demonstration catalogue.

    Attributes:
        recording_id: our id.
        isrc: compact form.
        title: Korean.
        title_en: English.
        display_artist: as on the sleeve.
        style: of the synthesiser.
        seed: of the synthesiser.
        duration_s: seconds.
        lineup_size: number of people on the recording.
        credits: those of them who are known; fewer people than ``lineup_size`` where it is incomplete.
    """

    recording_id: str
    isrc: str
    title: str
    title_en: str
    display_artist: str
    style: str
    seed: int
    duration_s: float
    lineup_size: int
    credits: tuple[Credit, ...]

    @property
    def performers(self) -> tuple[Person, ...]:
        """The known performers, each once."""
        return tuple(dict.fromkeys(credit.performer for credit in self.credits))

    def sound(self, sample_rate: int = 44100) -> Signal:
        """Render the recording, float32 ``[n, 2]``."""
        return render(self.seed, self.duration_s, style=self.style, sample_rate=sample_rate)


@dataclass(frozen=True)
class Part:
    """A registered stem: the vocal or the instrumental (``stem``) of a piece, rendered apart."""

    recording_id: str
    isrc: str
    piece: Piece
    stem: str

    def sound(self, sample_rate: int = 44100) -> Signal:
        """Render it, float32 ``[n, 2]``."""
        lines = stems(self.piece.seed, self.piece.duration_s, style=self.piece.style, sample_rate=sample_rate)
        kept = [x for name, x in lines.items() if (name == "vocals") == (self.stem == "보컬")]
        return np.sum(kept, axis=0, dtype=np.float32)


@dataclass(frozen=True)
class Appearance:
    """A recording in an upload, seconds, half-open."""

    recording_id: str
    media_start: float
    media_end: float
    reference_start: float
    reference_end: float


@dataclass(frozen=True)
class Expected:
    """What must be found in one upload.

    Attributes:
        path: of the upload, relative to the demonstration's folder.
        code: the finding's code.
        appearances: registered recordings in it, in order of time.
        use_period: KST month of ``posted_at``.
        same_bytes_as: path of the upload with the same bytes, or empty.
        what: one line for people.
    """

    path: str
    code: str
    appearances: tuple[Appearance, ...]
    use_period: str
    same_bytes_as: str
    what: str


@dataclass(frozen=True)
class DemoSet:
    """The demonstration on disk: ``uploads`` and ``expected`` run in the same order."""

    directory: Path
    catalogue: Path
    facts: Path
    pieces: tuple[Piece, ...]
    parts: tuple[Part, ...]
    uploads: tuple[Path, ...]
    expected: tuple[Expected, ...]


# Two of them are called 김민수: names do not identify people.
_PEOPLE: dict[str, tuple[Person, ...]] = {
    "voice": (
        Person("P-9001", "윤슬하", "Yun Seulha", "슬하", birth_year=1996),
        Person("P-9002", "한도겸", "Han Dogyeom", birth_year=1989),
        Person("P-9003", "김민수", "Kim Minsu", "모래", "모래시계자리", 1998),
    ),
    "gugak_voice": (Person("P-9005", "오소담", "Oh Sodam", birth_year=1978),),
    "gugak_wind": (
        Person("P-9006", "배하늬", "Bae Hanui", group="이음새소리", birth_year=1986),
        Person("P-9007", "천가람", "Cheon Garam", group="이음새소리", birth_year=1991),
    ),
    "gugak_string": (
        Person("P-9008", "문솔비", "Mun Solbi", group="이음새소리", birth_year=1984),
        Person("P-9009", "남궁연두", "Namgung Yeondu", birth_year=1972),
        Person("P-9010", "표한결", "Pyo Hangyeol", birth_year=1980, mandate="비회원"),
    ),
    "gugak_drum": (Person("P-9011", "마루한", "Ma Ruhan", birth_year=1969),),
    "bowed": (
        Person("P-9012", "아멜리 보레", "Amélie Boré", birth_year=1990, mandate="해외"),
        Person("P-9013", "진다온", "Jin Daon", birth_year=1993),
        Person("P-9014", "탁여름", "Tak Yeoreum", birth_year=1987),
    ),
    "wind": (
        Person("P-9015", "육새봄", "Yuk Saebom", birth_year=1992),
        Person("P-9016", "편예슬", "Pyeon Yeseul", birth_year=1983),
    ),
    "keys": (
        Person("P-9017", "도아린", "Do Arin", birth_year=1988),
        Person("P-9018", "국해솔", "Guk Haesol", birth_year=1976),
    ),
    "plucked": (
        Person("P-9019", "방이든", "Bang Ideun", birth_year=1990),
        Person("P-9020", "소라온", "So Raon", birth_year=1995, mandate="비회원"),
    ),
    "bass": (Person("P-9021", "염시후", "Yeom Sihu", birth_year=1981),),
    "drum": (Person("P-9022", "김민수", "Kim Min-soo", birth_year=1979),),
    "synth": (Person("P-9023", "차누리", "Cha Nuri", "누리", birth_year=1994),),
}

# Instrument of the synthesiser: its Korean name and who can play it.
_PLAYED_BY: dict[str, tuple[str, str]] = {
    "haegeum": ("해금", "gugak_wind"),
    "daegeum": ("대금", "gugak_wind"),
    "gayageum": ("가야금", "gugak_string"),
    "yanggeum": ("양금", "gugak_string"),
    "geomungo": ("거문고", "gugak_string"),
    "ajaeng": ("아쟁", "gugak_string"),
    "violin": ("바이올린", "bowed"),
    "cello": ("첼로", "bowed"),
    "flute": ("플루트", "wind"),
    "oboe": ("오보에", "wind"),
    "clarinet": ("클라리넷", "wind"),
    "piano": ("피아노", "keys"),
    "epiano": ("일렉트릭 피아노", "keys"),
    "marimba": ("마림바", "keys"),
    "guitar": ("어쿠스틱 기타", "plucked"),
    "electric_guitar": ("일렉트릭 기타", "plucked"),
    "harp": ("하프", "plucked"),
    "bass_guitar": ("베이스 기타", "bass"),
    "strings": ("가상악기(현악)", "synth"),
    "pad": ("신디사이저", "synth"),
    "lead": ("신디사이저", "synth"),
    "organ": ("오르간(가상악기)", "synth"),
    "synth_bass": ("신스 베이스", "synth"),
}

# Title, English title, style, how many credits are known (None: all).
_WORKS: tuple[tuple[str, str, str, int | None], ...] = (
    ("밤의 정류장", "Night Stop", "pop", None),
    ("겨울에 쓴 답장", "Reply Written in Winter", "ballad", None),
    ("들놀이 굿", "A Day in the Fields", "gugak", None),
    ("느린 강 소나티나", "Sonatina of a Slow River", "classical", None),
    ("달 아래 먼 길", "The Long Way under the Moon", "gugak", None),
    ("새로 고침", "Refresh", "pop", 2),
)


def _credits(number: int, seed: int, style: str) -> tuple[Credit, ...]:
    """Assign who plays what on a recording: one person per instrument, but one for all that is programmed."""
    tracks = dict(band(seed, style))
    tracks["drums"] = {"gugak": "janggu", "classical": "timpani"}.get(style, "drum kit")
    out: list[Credit] = []
    for track, instrument in tracks.items():
        category, role = "연주", "연주"
        if instrument.startswith("voice"):
            folk = style == "gugak"
            family, name, category = ("gugak_voice" if folk else "voice"), "", "가창"
            role = "국악 가창" if folk else "가창" if track == "melody" else "코러스"
        elif track == "drums":
            family = "gugak_drum" if style == "gugak" else "drum"
            name = {"gugak": "장구", "classical": "팀파니"}.get(style, "드럼")
            role = "고수·장단" if style == "gugak" else "연주"
        else:
            name, family = _PLAYED_BY[instrument]
            role = "신디사이저·미디" if family == "synth" else "연주"
        able = _PEOPLE[family]
        taken = {credit.performer for credit in out}
        order = [able[(number + i) % len(able)] for i in range(len(able))]
        person = next((p for p in order if p not in taken), order[0])
        out.append(
            Credit(
                person, category, role, name, track == "melody" or (track == "counter" and style == "gugak")
            )
        )
    return tuple(out)


def demo_catalogue(seed: int = 1) -> list[Piece]:
    """Six invented recordings of 40 to 60 s in four styles; the last one's line-up is incomplete.

    Other seeds give other music and other performers under the same titles.
    """
    pieces = []
    rng = np.random.default_rng([seed, 40])
    for number, (title, title_en, style, known) in enumerate(_WORKS):
        own = 1000 * seed + number
        lineup = _credits(number, own, style)
        pieces.append(
            Piece(
                recording_id=f"REC-{seed}{number + 1:03d}",
                isrc=f"DGRST26{1000 * (seed % 100) + number + 1:05d}",
                title=title,
                title_en=title_en,
                display_artist=" · ".join(dict.fromkeys(c.performer.known_as for c in lineup if c.featured)),
                style=style,
                seed=own,
                duration_s=float(np.round(rng.uniform(40, 60), 1)),
                lineup_size=len({c.performer for c in lineup}),
                credits=lineup[:known],
            )
        )
    return pieces


def demo_parts(pieces: list[Piece]) -> tuple[Part, Part]:
    """The vocal of the second piece and the instrumental of the third, registered beside them."""
    return (
        Part(f"{pieces[1].recording_id}-V", pieces[1].isrc[:-3] + "902", pieces[1], "보컬"),
        Part(f"{pieces[2].recording_id}-I", pieces[2].isrc[:-3] + "903", pieces[2], "반주"),
    )


def _sheets(
    pieces: list[Piece], parts: tuple[Part, ...], files: dict[str, str]
) -> dict[str, list[dict[str, str | int]]]:
    """Lay the catalogue out as rows by sheet, under the English column names."""
    people = sorted({p for piece in pieces for p in piece.performers}, key=lambda p: p.performer_id)
    return {
        "recordings": [
            {
                "recording_id": piece.recording_id,
                "isrc": piece.isrc,
                "title": piece.title,
                "display_artist": piece.display_artist,
                "lineup_size": piece.lineup_size,
                "audio": files[piece.recording_id],
                "stem_of": "",
                "stem": "",
                "영문곡명": piece.title_en,  # a column that the system does not know, and keeps
            }
            for piece in pieces
        ]
        + [
            {
                "recording_id": part.recording_id,
                "isrc": part.isrc,
                "title": f"{part.piece.title} ({part.stem})",
                "display_artist": part.piece.display_artist,
                "lineup_size": "",  # of the piece, whose line-up says who sings and who plays
                "audio": files[part.recording_id],
                "stem_of": part.piece.recording_id,
                "stem": part.stem,
                "영문곡명": part.piece.title_en,
            }
            for part in parts
        ],
        "performers": [
            {
                "performer_id": p.performer_id,
                "name_ko": p.name_ko,
                "name_roman": p.name_roman,
                "stage_name": p.stage_name,
                "group": p.group,
                "birth_year": p.birth_year,
                "member_no": p.performer_id.replace("P-", "M-") if p.mandate == "회원" else "",
            }
            for p in people
        ],
        "lineups": [
            {
                "recording_id": piece.recording_id,
                "performer_id": credit.performer.performer_id,
                "category": credit.category,
                "role": credit.role,
                "instrument": credit.instrument,
                "featured": "주실연" if credit.featured else "부실연",
                "valid_from": "2026-01-01",
            }
            for piece in pieces
            for credit in piece.credits
        ],
        "mandates": [
            {
                "performer_id": p.performer_id,
                "kind": p.mandate,
                "ledger": "보상금" if p.mandate == "해외" else "사용료; 보상금; AI이용허락료",
                "territory": "KR",
                "from": "2020-01-01",
            }
            for p in people
            if p.mandate != "비회원"
        ],
        "licences": [
            {
                "licence_id": "LIC-2026-001",
                "recording_id": parts[0].piece.recording_id,
                "scope": "AI 생성",
                "parts": "보컬",
                "territory": "KR",
                "from": "2026-01-01",
                "to": "2026-12-31",
                "price": 1_000_000,
                "currency": "KRW",
            },
            {
                # Ended the year before: counter-evidence, no permission.
                "licence_id": "LIC-2025-007",
                "recording_id": parts[1].piece.recording_id,
                "scope": "AI 생성",
                "parts": "연주",
                "territory": "KR",
                "from": "2025-01-01",
                "to": "2025-12-31",
                "price": 500_000,
                "currency": "KRW",
            },
        ],
    }


def _write_workbook(path: Path, sheets: dict[str, list[dict[str, str | int]]]) -> None:
    """Write the sheets under their Korean names and headers; ids and numbers-as-names stay text."""
    layout = vocabulary.load_toml("columns.toml")
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(layout[name]["ko"])
            columns = list(rows[0])
            known = layout[name]["columns"]
            sheet.write_row(0, 0, [known[c]["ko"] if c in known else c for c in columns])
            for r, row in enumerate(rows, start=1):
                for c, column in enumerate(columns):
                    value = row[column]
                    if isinstance(value, int):
                        sheet.write_number(r, c, value)
                    elif value:
                        sheet.write_string(r, c, value)
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, len(columns) - 1, 18)


@dataclass(frozen=True)
class _Post:
    """Upload facts: the columns of facts.csv after the path."""

    platform: str
    channel: str
    uploader: str
    url: str
    posted_at: str
    captured_at: str
    use_type: str
    territory: str = "KR"

    @property
    def use_period(self) -> str:
        return dt.datetime.fromisoformat(self.posted_at).astimezone(_KST).strftime("%Y-%m")


def _post(slug: str, posted_at: str, *, broadcast: bool = False) -> _Post:
    captured = dt.datetime.fromisoformat(posted_at) + dt.timedelta(hours=30)
    return _Post(
        platform="한들방송" if broadcast else "보기튜브",
        channel="저녁의 음악 산책" if broadcast else f"채널 {slug}",
        uploader="" if broadcast else f"user-{slug}",
        url=f"https://{'handeul' if broadcast else 'bogi'}.example/{slug}",
        posted_at=posted_at,
        captured_at=captured.isoformat(),
        use_type="방송" if broadcast else "전송",
    )


class _Uploads:
    """Collects uploads, their facts and the truth about them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.posts: list[_Post] = []
        self.expected: list[Expected] = []
        (directory / "uploads").mkdir()

    def add(
        self, name: str, post: _Post, code: str, what: str, *appearances: Appearance, same_bytes_as: str = ""
    ) -> Path:
        path = f"uploads/{name}"
        self.posts.append(post)
        self.expected.append(Expected(path, code, appearances, post.use_period, same_bytes_as, what))
        return self.directory / path

    def write_facts(self, path: Path) -> None:
        """Write facts.csv with paths relative to it; UTF-8 with BOM, as spreadsheets do."""
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", *_Post.__annotations__])
            for expected, post in zip(self.expected, self.posts, strict=True):
                writer.writerow([expected.path, *asdict(post).values()])


def _cut(sound: Signal, sample_rate: int, start: float, end: float) -> Signal:
    return sound[round(start * sample_rate) : round(end * sample_rate)]


_FASTER = 1.08
_AUDIBLE = 0.003  # -50 dBFS: a singer who waits for the verse leaves the beginning of a stem silent


def _sounding(sound: Signal, sample_rate: int) -> tuple[float, float]:
    """From the first to the last sound, s."""
    heard = np.flatnonzero(np.abs(sound).max(axis=1) > _AUDIBLE)
    return float(heard[0] / sample_rate), float(heard[-1] / sample_rate)


def _faster(sound: Signal) -> Signal:
    """Play a sound ``_FASTER`` times as fast, and so much higher."""
    places = np.arange(0, len(sound) - 1, _FASTER)
    played = [np.interp(places, np.arange(len(sound)), sound[:, c]) for c in range(sound.shape[1])]
    return np.stack(played, axis=1).astype(np.float32)


def write_demo(directory: Path, seed: int = 1, *, sample_rate: int = 44100) -> DemoSet:
    """Write the catalogue, its audio, the uploads, their facts and what must be found in them.

    Args:
        directory: made if missing; must not hold a demonstration already.
        seed: of ``demo_catalogue``.
        sample_rate: Hz of every file; tests take a lower one to be quick.

    Returns:
        Where everything lies. ``expected.json`` holds the same truth on disk, ``README.txt`` says what it is.

    Raises:
        FileExistsError: ``directory`` holds an ``audio`` or ``uploads`` folder.
    """
    (directory / "audio").mkdir(parents=True)
    uploads = _Uploads(directory)
    pieces = demo_catalogue(seed)
    registered = demo_parts(pieces)
    sounds = {one.recording_id: one.sound(sample_rate) for one in (*pieces, *registered)}
    files = {}
    for i, recording_id in enumerate(sounds):
        codec = "wav" if i == 3 else "flac"
        files[recording_id] = f"audio/{recording_id}.{codec}"
        encode(sounds[recording_id], sample_rate, directory / files[recording_id], codec)
    catalogue = directory / "catalogue.xlsx"
    _write_workbook(catalogue, _sheets(pieces, registered, files))

    pop, ballad, gugak, sonatina, _, unfinished = pieces
    whole = Appearance(pop.recording_id, 0.0, pop.duration_s, 0.0, pop.duration_s)

    # Half past midnight of 1 November in Seoul, still October in UTC.
    exact = uploads.add(
        "야외공연 배경음악.flac", _post("festa", "2026-10-31T15:30:00+00:00"), "U1", "exact copy", whole
    )
    shutil.copyfile(directory / files[pop.recording_id], exact)

    cut = 12.0, 37.0
    show_parts: list[ProgrammePart] = [
        ("talk", 6.0),
        ("music", 10.0),
        _cut(sounds[ballad.recording_id], sample_rate, *cut),
        ("talk", 4.0),
        ("music", 6.0),
    ]
    show, spans = programme(show_parts, seed=seed, sample_rate=sample_rate, talk_over=(1,))
    aired = uploads.add(
        "저녁의 음악 산책 11월 3일.m4a",
        _post("evening-1103", "2026-11-03T18:00:00+09:00", broadcast=True),
        "U1",
        "25 s inside a programme with talk and other music",
        Appearance(ballad.recording_id, spans[2].start, spans[2].end, *cut),
    )
    encode(show, sample_rate, aired, "m4a", 128_000)

    cut = 14.5, 29.5
    clip = uploads.add(
        "clip_0412.mp3",
        _post("clip0412", "2026-11-05T21:10:00+09:00"),
        "U1",
        "15 s at 48 kbps",
        Appearance(gugak.recording_id, 0.0, cut[1] - cut[0], *cut),
    )
    encode(_cut(sounds[gugak.recording_id], sample_rate, *cut), sample_rate, clip, "mp3", 48_000)

    cut = 5.0, 25.0
    held = uploads.add(
        "커피숍 브이로그.mp3",
        _post("vlog7", "2026-11-07T08:00:00+09:00"),
        "U3",
        "20 s at 64 kbps of the recording with an incomplete line-up",
        Appearance(unfinished.recording_id, 0.0, cut[1] - cut[0], *cut),
    )
    encode(_cut(sounds[unfinished.recording_id], sample_rate, *cut), sample_rate, held, "mp3", 64_000)

    stranger = uploads.add(
        "자작곡 데모.flac", _post("own-song", "2026-11-08T12:00:00+09:00"), "N1", "in no catalogue"
    )
    encode(
        render(1000 * seed + 900, 30.0, style="pop", sample_rate=sample_rate), sample_rate, stranger, "flac"
    )

    broken = uploads.add(
        "전송 중단.m4a", _post("broken", "2026-11-09T10:00:00+09:00"), "X2", "a head of MP4, then noise"
    )
    broken.write_bytes(aired.read_bytes()[:256] + np.random.default_rng([seed, 41]).bytes(50_000))

    # One second before November in Seoul.
    again = uploads.add(
        "festival_bgm_copy.flac",
        _post("repost", "2026-10-31T23:59:59+09:00"),
        "U1",
        "the bytes of the exact copy again",
        whole,
        same_bytes_as=uploads.expected[0].path,
    )
    shutil.copyfile(exact, again)

    fast = uploads.add(
        "nightcore_0415.mp3",
        _post("nightcore0415", "2026-11-12T20:00:00+09:00"),
        "U2",
        f"24 s, {_FASTER:g} times as fast",
        Appearance(pop.recording_id, 0.0, 24.0, 10.0, 10.0 + 24.0 * _FASTER),
    )
    clip_sound = _faster(_cut(sounds[pop.recording_id], sample_rate, 10.0, 10.0 + 24.0 * _FASTER))
    encode(clip_sound, sample_rate, fast, "mp3", 128_000)

    for part, name, code, what in (
        (registered[0], "AI 보이스(허락).flac", "L1", "a registered vocal through a vocoder, licensed"),
        (
            registered[1],
            "AI 리메이크.flac",
            "A2",
            "a registered instrumental through a vocoder, licence ended",
        ),
    ):
        start, end = _sounding(sounds[part.recording_id], sample_rate)
        made = uploads.add(
            name,
            _post(part.recording_id.lower(), "2026-11-15T19:00:00+09:00"),
            code,
            what,
            Appearance(part.recording_id, start, end, start, end),
        )
        encode(resynthesised(sounds[part.recording_id], seed), sample_rate, made, "flac")

    other = uploads.add(
        "연주회 실황.m4a",
        _post("recital", "2026-11-20T19:30:00+09:00"),
        "H1",
        "another performance of a registered piece",
    )
    live = another_performance(
        sonatina.seed, 1, sonatina.duration_s, style=sonatina.style, sample_rate=sample_rate
    )
    encode(live, sample_rate, other, "m4a", 128_000)

    facts = directory / "facts.csv"
    uploads.write_facts(facts)
    (directory / "expected.json").write_text(
        json.dumps([asdict(e) for e in uploads.expected], ensure_ascii=False, indent=1) + "\n",
        encoding="utf-8",
    )
    (directory / "README.txt").write_text(_README, encoding="utf-8")
    return DemoSet(
        directory,
        catalogue,
        facts,
        tuple(pieces),
        registered,
        tuple(directory / e.path for e in uploads.expected),
        tuple(uploads.expected),
    )


_README = """시연용 자료입니다. 사람, 곡명, 플랫폼, 채널은 모두 지어낸 것이며 음악은 프로그램이 합성했습니다.
Material for demonstration. All people, titles, platforms and channels are invented; the music is synthesised.

catalogue.xlsx  registered recordings, performers, line-ups, mandates      audio/  their sound
facts.csv       what is known of each upload                               uploads/  what was uploaded
expected.json   what must be found
"""
