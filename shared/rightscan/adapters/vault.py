"""The vault over two stores of small items: what lies where, and in which order it is written and destroyed.

Sealed templates and the keys that open them lie in stores apart. The store of templates is backed up, the store of
keys never is: once a performer's key is gone, no copy of their templates can be read again, wherever it lies.

==========  ================  ==============================================================================
store       key               holds
==========  ================  ==============================================================================
templates   ``V#pseudonym``   ``WHO``: performer id, sealed; ``T#register``: template, sealed; ``TOMBSTONE``
templates   ``LIVE#shard``    pseudonyms that have templates
templates   ``LOG#day``       accesses, by time; UTC days
keys        ``K#pseudonym``   the performer's data key, wrapped under the master key
keys        ``VAULT``         the key of pseudonyms, wrapped likewise
==========  ================  ==============================================================================
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from rightscan.errors import PermanentError
from rightscan.records.base import canonical_json
from rightscan.records.identity import shard_of
from rightscan.records.vault import Access, AccessEntry, Tombstone, VoiceTemplate
from rightscan.rights.access_reasons import checked_reason

if TYPE_CHECKING:
    from rightscan.ports import Clock

Body = Mapping[str, str]

LOG_KEPT = timedelta(days=3 * 365)
"""How long an access is remembered: ``rights/data/retention.toml`` names the same time."""

_SHARDS = 16
_NONCE_BYTES = 12
_FIRST_DAY = date(2026, 1, 1)  # before it no vault was


class VaultItems(Protocol):
    """Small items under a two-part key. Reads are strongly consistent; what is deleted is overwritten."""

    def get(self, pk: str, sk: str) -> Body | None:
        """One item."""
        ...

    def query(self, pk: str, prefix: str = "") -> Iterator[tuple[str, Body]]:
        """Sort keys and bodies of a partition, in order of the sort key."""
        ...

    def put(self, pk: str, sk: str, body: Body, *, expires: datetime | None = None) -> None:
        """Write an item, in the place of the one that stands."""
        ...

    def put_if_absent(self, pk: str, sk: str, body: Body, *, expires: datetime | None = None) -> bool:
        """Write an item where none stands; tells whether it was written."""
        ...

    def delete(self, pk: str, sk: str) -> None:
        """Remove an item; one that is not there is removed already."""
        ...


class MasterKey(Protocol):
    """Wraps data keys. The context is bound to what it wraps: another one does not open it."""

    def new_key(self, context: Mapping[str, str]) -> tuple[bytes, str]:
        """A new 32-byte key, plain and wrapped."""
        ...

    def unwrap(self, wrapped: str, context: Mapping[str, str]) -> bytes:
        """The key behind a wrapped one.

        Raises:
            PermanentError: ``vault_corrupt``.
        """
        ...


def seal(key: bytes, plain: bytes, context: str) -> str:
    """AES-256-GCM under a fresh nonce, as base64 text.

    Args:
        key: 32 bytes.
        plain: what is sealed.
        context: where it lies; opened elsewhere it is refused.
    """
    # Imported late: of the functions only likeness carries the library.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, plain, context.encode())).decode()


def unseal(key: bytes, sealed: str, context: str) -> bytes:
    """Open what ``seal`` gave.

    Raises:
        PermanentError: ``vault_corrupt``; another key, another place, or a changed byte.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        data = base64.b64decode(sealed, validate=True)
        return AESGCM(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise corrupt("an entry does not open under its key") from error


def corrupt(what: str) -> PermanentError:
    """The error of a vault that is not as it was written."""
    return PermanentError(
        "vault_corrupt",
        f"the vault: {what}",
        "Restore templates and keys as they belong together, or enrol the performer again.",
    )


class RecordVault:
    """Implements ``ports.Vault``.

    Args:
        templates: where sealed templates and the log lie.
        keys: where wrapped keys lie.
        master: what wraps them.
        clock: the time of log entries.
    """

    def __init__(self, templates: VaultItems, keys: VaultItems, master: MasterKey, clock: Clock) -> None:
        self._templates = templates
        self._keys = keys
        self._master = master
        self._clock = clock
        self._pseudonym_key = b""

    # ---- the log ----------------------------------------------------------------------------------------
    def log(self, access: Access) -> None:
        """Write an access that no other call writes.

        Raises:
            UsageError: ``no_actor_or_reason``, ``personal_data_in_reason``.
        """
        checked_reason(access.actor, access.reason)
        now = self._clock.now()
        entry = AccessEntry(at=now, **access.model_dump())
        sk = f"{now.isoformat(timespec='microseconds')}#{uuid.uuid4().hex}"
        self._templates.put_if_absent(
            f"LOG#{now.date()}", sk, {"entry": canonical_json(entry.to_json())}, expires=now + LOG_KEPT
        )

    def accesses(self, since: datetime, until: datetime, access: Access) -> Iterator[AccessEntry]:
        """The log of a span, by time."""
        self.log(access)
        return (entry for _, _, entry in self._entries(since, until))

    def forget_accesses(self, before: datetime, access: Access, *, apply: bool) -> int:
        """Remove log entries older than ``before``, or count them."""
        self.log(access)
        count = 0
        for pk, sk, _ in self._entries(datetime.combine(_FIRST_DAY, datetime.min.time(), UTC), before):
            count += 1
            if apply:
                self._templates.delete(pk, sk)
        return count

    def _entries(self, since: datetime, until: datetime) -> Iterator[tuple[str, str, AccessEntry]]:
        day = max(since.astimezone(UTC).date(), _FIRST_DAY)
        last = min(until, self._clock.now() + timedelta(days=1)).astimezone(UTC).date()
        while day <= last:
            for sk, body in self._templates.query(f"LOG#{day}"):
                entry = AccessEntry.model_validate_json(body["entry"])
                if since <= entry.at < until:
                    yield f"LOG#{day}", sk, entry
            day += timedelta(days=1)

    # ---- templates --------------------------------------------------------------------------------------
    def pseudonym(self, performer_id: str) -> str:
        """The performer's name in the vault."""
        if not self._pseudonym_key:
            self._pseudonym_key = self._pseudonyms()
        return hmac.digest(self._pseudonym_key, performer_id.encode(), hashlib.sha256).hex()[:32]

    def _pseudonyms(self) -> bytes:
        context = {"purpose": "pseudonyms"}
        standing = self._keys.get("VAULT", "PSEUDONYMS")
        if standing is None:
            self._keys.put_if_absent("VAULT", "PSEUDONYMS", {"wrapped": self._master.new_key(context)[1]})
            standing = self._keys.get("VAULT", "PSEUDONYMS")
        if standing is None:
            raise corrupt("the key of pseudonyms was not kept")
        return self._master.unwrap(standing["wrapped"], context)

    def put_template(self, template: VoiceTemplate, access: Access) -> None:
        """Keep a template."""
        self.log(access)
        pseudonym = self.pseudonym(template.performer_id)
        key = self._key(pseudonym) or self._new_key(pseudonym)
        pk, sk = f"V#{pseudonym}", f"T#{template.voice_register}"
        self._templates.put(pk, "WHO", {"sealed": seal(key, template.performer_id.encode(), f"{pk}/WHO")})
        plain = canonical_json(template.to_json()).encode()
        self._templates.put(pk, sk, {"sealed": seal(key, plain, f"{pk}/{sk}")})
        self._templates.put(_live(pseudonym), pseudonym, {})

    def templates_of(self, performer_id: str, access: Access) -> list[VoiceTemplate]:
        """One performer's templates, by register."""
        self.log(access)
        pseudonym = self.pseudonym(performer_id)
        entries = list(self._templates.query(f"V#{pseudonym}", "T#"))
        return self._opened(pseudonym, self._needed(pseudonym), entries) if entries else []

    def snapshot(self, permitted: Callable[[str], bool], access: Access) -> dict[str, list[VoiceTemplate]]:
        """The templates of everybody whose performer id is ``permitted``, by pseudonym."""
        self.log(access)
        found = {}
        for pseudonym in self._live():
            key = self._key(pseudonym)
            # Without a key a withdrawal is under way: nobody can read what is left.
            performer_id = None if key is None else self._who(pseudonym, key)
            if key is not None and performer_id is not None and permitted(performer_id):
                entries = self._templates.query(f"V#{pseudonym}", "T#")
                found[pseudonym] = self._opened(pseudonym, key, entries)
        return found

    def enrolled(self, access: Access) -> list[str]:
        """The performer ids that have templates."""
        self.log(access)
        keys = [(pseudonym, self._key(pseudonym)) for pseudonym in self._live()]
        return sorted(
            performer_id
            for pseudonym, key in keys
            if key is not None and (performer_id := self._who(pseudonym, key)) is not None
        )

    def count(self) -> int:
        """How many have templates; nothing of anybody is read."""
        return sum(1 for _ in self._live())

    def destroy(self, performer_id: str, access: Access) -> Tombstone:
        """Destroy the performer's data key, then remove what it had locked."""
        self.log(access)
        pseudonym = self.pseudonym(performer_id)
        pk = f"V#{pseudonym}"
        # The key first: stopped anywhere after this line, what is left can be read by nobody.
        self._keys.delete(f"K#{pseudonym}", "DATA")
        registers = tuple(sk.removeprefix("T#") for sk, _ in self._templates.query(pk, "T#"))
        standing = self.tombstone(performer_id)
        if registers or standing is None:
            standing = Tombstone(
                pseudonym=pseudonym, withdrawn_at=self._clock.now(), registers=tuple(sorted(registers))
            )
            self._templates.put(pk, "TOMBSTONE", {"tombstone": canonical_json(standing.to_json())})
        for sk in (*(f"T#{register}" for register in registers), "WHO"):
            self._templates.delete(pk, sk)
        self._templates.delete(_live(pseudonym), pseudonym)
        return standing

    def tombstone(self, performer_id: str) -> Tombstone | None:
        """What is left of a withdrawal."""
        body = self._templates.get(f"V#{self.pseudonym(performer_id)}", "TOMBSTONE")
        return None if body is None else Tombstone.model_validate_json(body["tombstone"])

    # ---- keys -------------------------------------------------------------------------------------------
    def _live(self) -> Iterator[str]:
        for shard in range(_SHARDS):
            yield from (pseudonym for pseudonym, _ in self._templates.query(f"LIVE#{shard}"))

    def _key(self, pseudonym: str) -> bytes | None:
        body = self._keys.get(f"K#{pseudonym}", "DATA")
        return None if body is None else self._master.unwrap(body["wrapped"], {"performer": pseudonym})

    def _needed(self, pseudonym: str) -> bytes:
        key = self._key(pseudonym)
        if key is None:
            raise PermanentError(
                "vault_key_destroyed",
                f"the data key of {pseudonym} is destroyed; what it locked cannot be read by anybody",
                "Nothing is to be done: this is what a withdrawal means. With a new consent, enrol anew.",
            )
        return key

    def _new_key(self, pseudonym: str) -> bytes:
        plain, wrapped = self._master.new_key({"performer": pseudonym})
        if self._keys.put_if_absent(f"K#{pseudonym}", "DATA", {"wrapped": wrapped}):
            return plain
        return self._needed(pseudonym)

    def _who(self, pseudonym: str, key: bytes) -> str | None:
        body = self._templates.get(f"V#{pseudonym}", "WHO")
        return None if body is None else unseal(key, body["sealed"], f"V#{pseudonym}/WHO").decode()

    @staticmethod
    def _opened(
        pseudonym: str, key: bytes, entries: Iterator[tuple[str, Body]] | list[tuple[str, Body]]
    ) -> list[VoiceTemplate]:
        return [
            VoiceTemplate.model_validate_json(unseal(key, body["sealed"], f"V#{pseudonym}/{sk}"))
            for sk, body in entries
        ]


def _live(pseudonym: str) -> str:
    return f"LIVE#{shard_of(pseudonym, _SHARDS)}"
