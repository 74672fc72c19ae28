"""The vault: SQLite files under a key file, and DynamoDB tables under KMS, must be the same to the use cases."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from rightscan.adapters.local.clock import ManualClock
from rightscan.adapters.vault import RecordVault
from rightscan.errors import PermanentError, TransientError, UsageError
from rightscan.records.vault import Access, VoiceTemplate

NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)
WHY = Access(actor="kim", action="enrol", whose="-", reason="case 7")
SECRET = np.linspace(-1, 1, 192, dtype="<f4")


def template(performer_id="P-1", register="singing", sound=SECRET):
    return VoiceTemplate(
        performer_id=performer_id,
        voice_register=register,
        embedding=base64.b64encode(sound.tobytes()).decode(),
        recordings=3,
        voiced_s=41.5,
        model="voice-encoder@1.0.0",
        made_at=NOW,
    )


class Opened:
    def __init__(self, backend):
        self.backend = backend
        self.clock = ManualClock(NOW)
        self.templates = backend.vault_items("templates")
        self.keys = backend.vault_items("keys")
        self.vault = self.anew()

    def anew(self):
        """As another process opens it: nothing is remembered."""
        return RecordVault(self.templates, self.keys, self.backend.master_key(), self.clock)

    def stored(self):
        """Every item of the store of templates."""
        known = [f"V#{self.vault.pseudonym(f'P-{n}')}" for n in (1, 2)]
        known += [f"LIVE#{shard}" for shard in range(16)]
        return {(pk, sk): body for pk in known for sk, body in self.templates.query(pk)}

    def log(self):
        found = self.vault.accesses(NOW - timedelta(days=2), NOW + timedelta(days=400), WHY)
        return [(entry.actor, entry.action, entry.whose, entry.reason) for entry in found][:-1]


@pytest.fixture
def opened(backend):
    return Opened(backend)


# ---- the stores below -----------------------------------------------------------------------------------
def test_items_are_written_replaced_and_removed(backend):
    items = backend.vault_items("templates")
    assert items.get("P", "S") is None
    assert list(items.query("P")) == []
    items.delete("P", "S")
    items.put("P", "S", {"a": "가"})
    items.put("P", "S", {"b": "2"})
    assert items.get("P", "S") == {"b": "2"}
    assert not items.put_if_absent("P", "S", {"c": "3"})
    assert items.put_if_absent("P", "A%_", {}, expires=NOW)
    assert [sk for sk, _ in items.query("P")] == ["A%_", "S"]
    assert [sk for sk, _ in items.query("P", "A%")] == ["A%_"]
    items.delete("P", "S")
    assert items.get("P", "S") is None


def test_a_wrapped_key_opens_for_its_performer_alone(backend):
    master = backend.master_key()
    plain, wrapped = master.new_key({"performer": "a"})
    assert len(plain) == 32
    assert master.unwrap(wrapped, {"performer": "a"}) == plain
    assert master.new_key({"performer": "a"})[0] != plain
    with pytest.raises(PermanentError) as told:
        master.unwrap(wrapped, {"performer": "b"})
    assert told.value.code == "vault_corrupt"


# ---- templates ------------------------------------------------------------------------------------------
def test_a_template_comes_back_as_it_was_and_to_another_process_too(opened):
    opened.vault.put_template(template(), WHY)
    opened.vault.put_template(template(register="speaking"), WHY)
    for vault in (opened.vault, opened.anew()):
        assert vault.templates_of("P-1", WHY) == [template(), template(register="speaking")]
    assert opened.vault.templates_of("P-2", WHY) == []


def test_a_second_enrolment_takes_the_place_of_the_first(opened):
    opened.vault.put_template(template(), WHY)
    other = template(sound=SECRET[::-1].copy())
    opened.vault.put_template(other, WHY)
    assert opened.vault.templates_of("P-1", WHY) == [other]


def test_nothing_that_is_stored_shows_the_voice_or_the_person(opened):
    opened.vault.put_template(template(), WHY)
    text = repr(opened.stored())
    assert len(opened.stored()) == 3
    for hidden in ("P-1", template().embedding[:24], "voice-encoder"):
        assert hidden not in text


def test_a_pseudonym_is_the_same_to_every_process_and_another_in_another_vault(opened):
    pseudonym = opened.vault.pseudonym("P-1")
    assert len(pseudonym) == 32
    assert opened.anew().pseudonym("P-1") == pseudonym
    assert opened.vault.pseudonym("P-2") != pseudonym
    elsewhere = RecordVault(
        opened.backend.vault_items("t2"),
        opened.backend.vault_items("k2"),
        opened.backend.master_key(),
        opened.clock,
    )
    assert elsewhere.pseudonym("P-1") != pseudonym


def test_each_performer_has_a_key_of_their_own(opened):
    for performer_id in ("P-1", "P-2"):
        opened.vault.put_template(template(performer_id), WHY)
    one, two = (f"V#{opened.vault.pseudonym(p)}" for p in ("P-1", "P-2"))
    opened.keys.put(f"K#{two[2:]}", "DATA", opened.keys.get(f"K#{one[2:]}", "DATA"))
    with pytest.raises(PermanentError) as told:
        opened.vault.templates_of("P-2", WHY)
    assert told.value.code == "vault_corrupt"
    assert opened.vault.templates_of("P-1", WHY) == [template()]


def test_a_template_that_was_put_into_anothers_place_does_not_open(opened):
    opened.vault.put_template(template(), WHY)
    opened.vault.put_template(template(register="speaking"), WHY)
    pk = f"V#{opened.vault.pseudonym('P-1')}"
    opened.templates.put(pk, "T#speaking", opened.templates.get(pk, "T#singing"))
    with pytest.raises(PermanentError) as told:
        opened.vault.templates_of("P-1", WHY)
    assert told.value.code == "vault_corrupt"


def test_a_snapshot_opens_those_that_consent_permits(opened):
    for performer_id in ("P-1", "P-2"):
        opened.vault.put_template(template(performer_id), WHY)
    asked = []

    def permitted(performer_id):
        asked.append(performer_id)
        return performer_id == "P-2"

    found = opened.vault.snapshot(permitted, WHY)
    assert found == {opened.vault.pseudonym("P-2"): [template("P-2")]}
    assert sorted(asked) == ["P-1", "P-2"]
    assert opened.vault.enrolled(WHY) == ["P-1", "P-2"]


# ---- the end of a template ------------------------------------------------------------------------------
def test_a_withdrawal_leaves_a_tombstone_that_names_nobody(opened):
    opened.vault.put_template(template(), WHY)
    opened.vault.put_template(template("P-2"), WHY)
    stone = opened.vault.destroy("P-1", WHY)
    assert (stone.pseudonym, stone.registers, stone.withdrawn_at) == (
        opened.vault.pseudonym("P-1"),
        ("singing",),
        NOW,
    )
    assert opened.vault.tombstone("P-1") == stone
    assert opened.vault.templates_of("P-1", WHY) == []
    assert opened.vault.enrolled(WHY) == ["P-2"]
    assert opened.keys.get(f"K#{stone.pseudonym}", "DATA") is None
    assert [sk for pk, sk in opened.stored() if pk == f"V#{stone.pseudonym}"] == ["TOMBSTONE"]
    assert "P-1" not in repr(opened.stored())


def test_a_withdrawal_may_be_repeated_and_says_the_same(opened):
    opened.vault.put_template(template(), WHY)
    first = opened.vault.destroy("P-1", WHY)
    opened.clock.advance(60)
    assert opened.vault.destroy("P-1", WHY) == first
    assert opened.vault.destroy("P-2", WHY).registers == ()


def test_after_the_key_is_destroyed_a_backup_is_unreadable(opened):
    opened.vault.put_template(template(), WHY)
    backup = opened.stored()
    opened.vault.destroy("P-1", WHY)
    for (pk, sk), body in backup.items():
        opened.templates.put(pk, sk, body)
    with pytest.raises(PermanentError) as told:
        opened.anew().templates_of("P-1", WHY)
    assert told.value.code == "vault_key_destroyed"
    assert opened.anew().snapshot(lambda _: True, WHY) == {}
    # Nor under the key of a later enrolment.
    opened.vault.put_template(template(register="speaking"), WHY)
    with pytest.raises(PermanentError) as told:
        opened.anew().templates_of("P-1", WHY)
    assert told.value.code == "vault_corrupt"


def test_a_withdrawal_that_stopped_half_way_left_nothing_readable(opened):
    opened.vault.put_template(template(), WHY)
    broken = Refusing(opened.templates)
    vault = RecordVault(broken, opened.keys, opened.backend.master_key(), opened.clock)
    broken.refuses = "delete"
    with pytest.raises(TransientError):
        vault.destroy("P-1", WHY)
    assert opened.vault.snapshot(lambda _: True, WHY) == {}
    opened.vault.destroy("P-1", WHY)
    assert len(opened.stored()) == 1


# ---- the log --------------------------------------------------------------------------------------------
class Refusing:
    """A store that breaks down at one kind of call."""

    def __init__(self, inner):
        self._inner = inner
        self.refuses = ""
        self.asked = []

    def __getattr__(self, name):
        def call(*arguments, **named):
            self.asked.append((name, arguments[0]))
            if name == self.refuses:
                raise TransientError("aws_unavailable", "down", "wait")
            return getattr(self._inner, name)(*arguments, **named)

        return call


CALLS = {
    "templates_of": lambda vault, why: vault.templates_of("P-1", why),
    "snapshot": lambda vault, why: vault.snapshot(lambda _: True, why),
    "enrolled": lambda vault, why: vault.enrolled(why),
    "put_template": lambda vault, why: vault.put_template(template(), why),
    "destroy": lambda vault, why: vault.destroy("P-1", why),
    "accesses": lambda vault, why: vault.accesses(NOW, NOW, why),
    "forget_accesses": lambda vault, why: vault.forget_accesses(NOW, why, apply=True),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_cannot_be_logged_is_not_done(opened, call):
    opened.vault.put_template(template(), WHY)
    before = opened.stored()
    store = Refusing(opened.templates)
    store.refuses = "put_if_absent"
    with pytest.raises(TransientError):
        call(RecordVault(store, opened.keys, opened.backend.master_key(), opened.clock), WHY)
    assert store.asked == [("put_if_absent", "LOG#2026-11-27")]  # not one read before it
    assert opened.stored() == before


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"actor": " "}, "no_actor_or_reason"),
        ({"reason": " "}, "no_actor_or_reason"),
        ({"reason": "전화 010-2345-6789"}, "personal_data_in_reason"),
        ({"reason": "900101-1234567"}, "personal_data_in_reason"),
    ],
)
def test_an_access_names_somebody_and_a_reason_and_nobodys_number(opened, call, change, code):
    with pytest.raises(UsageError) as told:
        call(opened.vault, WHY.model_copy(update=change))
    assert told.value.code == code
    assert opened.log() == []


def test_the_log_says_who_when_whose_and_why(opened):
    opened.vault.put_template(template(), WHY)
    opened.clock.advance(86400)
    read = Access(actor="lee", action="subject", whose="abc", reason="request 12")
    opened.vault.templates_of("P-1", read)
    opened.clock.advance(1)
    entries = list(opened.vault.accesses(NOW, NOW + timedelta(days=3), WHY))
    assert [(e.at, e.actor, e.action, e.whose, e.reason) for e in entries[:2]] == [
        (NOW, "kim", "enrol", "-", "case 7"),
        (NOW + timedelta(days=1), "lee", "subject", "abc", "request 12"),
    ]
    first_day = opened.vault.accesses(NOW, NOW + timedelta(hours=1), WHY)
    assert [entry.actor for entry in first_day] == ["kim"]


def test_old_entries_are_counted_first_and_removed_when_asked(opened):
    opened.vault.log(WHY)
    opened.clock.advance(10 * 86400)
    before = NOW + timedelta(days=5)
    assert opened.vault.forget_accesses(before, WHY, apply=False) == 1
    assert opened.vault.forget_accesses(before, WHY, apply=True) == 1
    assert opened.vault.forget_accesses(before, WHY, apply=False) == 0
