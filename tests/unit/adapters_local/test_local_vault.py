"""The vault on one machine: who may read its files, and what becomes of its key."""

from __future__ import annotations

import base64
import stat
import sys
import types

import pytest

from rightscan.adapters.local.vault import KeyFile, KeyringKey, LocalMasterKey, SqliteVaultItems
from rightscan.errors import PermanentError, UsageError

WHOSE = {"performer": "a"}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_for_their_owner_alone(tmp_path):
    items = SqliteVaultItems(tmp_path / "vault" / "templates.sqlite3")
    assert items.empty
    assert not (tmp_path / "vault").exists()  # looking makes nothing
    items.put("P", "S", {"a": "1"})
    assert not items.empty
    assert mode(tmp_path / "vault") == 0o700
    assert [(path.name, mode(path)) for path in (tmp_path / "vault").iterdir()] == [
        ("templates.sqlite3", 0o600)
    ]


def test_what_is_deleted_is_not_left_in_the_file(tmp_path):
    path = tmp_path / "keys.sqlite3"
    items = SqliteVaultItems(path)
    items.put("P", "S", {"wrapped": "THE-WRAPPED-KEY" * 40})
    assert b"THE-WRAPPED-KEY" in path.read_bytes()
    items.delete("P", "S")
    assert all(b"THE-WRAPPED-KEY" not in file.read_bytes() for file in tmp_path.iterdir())


def test_a_key_file_is_made_once_with_the_right_mode(tmp_path):
    path = tmp_path / "keys" / "vault.key"
    assert KeyFile(path).read() is None
    key = KeyFile(path).create()
    assert (len(key), mode(path)) == (32, 0o600)
    assert KeyFile(path).create() == key
    assert [p.name for p in path.parent.iterdir()] == ["vault.key"]


@pytest.mark.parametrize("bits", [0o644, 0o640, 0o602])
def test_a_key_that_others_may_reach_is_refused(tmp_path, bits):
    path = tmp_path / "vault.key"
    KeyFile(path).create()
    path.chmod(bits)
    with pytest.raises(PermanentError) as told:
        KeyFile(path).read()
    assert told.value.code == "vault_key_mode"
    assert f"{bits:04o}" in told.value.cause
    assert "chmod 600" in told.value.remedy


def test_a_key_of_another_length_is_refused(tmp_path):
    path = tmp_path / "vault.key"
    KeyFile(path).create()
    path.write_bytes(b"short")
    with pytest.raises(PermanentError) as told:
        KeyFile(path).read()
    assert told.value.code == "bad_vault_key"


def test_a_lost_key_is_told_and_no_new_one_made_over_it(tmp_path):
    path = tmp_path / "vault.key"
    master = LocalMasterKey(KeyFile(path), lambda: False)
    for ask in (lambda: master.new_key(WHOSE), lambda: master.unwrap("", WHOSE)):
        with pytest.raises(PermanentError) as told:
            ask()
        assert told.value.code == "vault_key_missing"
    assert not path.exists()


# ---- the keyring ----------------------------------------------------------------------------------------
@pytest.fixture
def keyring(monkeypatch):
    kept = {}
    module = types.ModuleType("keyring")
    module.get_password = lambda service, user: kept.get((service, user))
    module.set_password = lambda service, user, text: kept.update({(service, user): text})
    monkeypatch.setitem(sys.modules, "keyring", module)
    return kept


def test_the_key_may_lie_in_the_keyring(keyring):
    master = LocalMasterKey(KeyringKey("rightscan/vault"), lambda: True)
    plain, wrapped = master.new_key(WHOSE)
    assert LocalMasterKey(KeyringKey("rightscan/vault"), lambda: False).unwrap(wrapped, WHOSE) == plain
    assert [len(base64.b64decode(text)) for text in keyring.values()] == [32]


@pytest.mark.parametrize("text", ["", "not base64!", base64.b64encode(b"short").decode()])
def test_a_keyring_entry_that_is_no_key_is_refused(keyring, text):
    keyring["rightscan", "vault"] = text
    with pytest.raises(PermanentError) as told:
        KeyringKey("rightscan/vault").read()
    assert told.value.code == "bad_vault_key"


@pytest.mark.parametrize("name", ["", "rightscan", "/vault", "rightscan/"])
def test_a_keyring_name_has_two_parts(keyring, name):
    with pytest.raises(UsageError) as told:
        KeyringKey(name)
    assert told.value.code == "bad_environment"


def test_a_keyring_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(UsageError) as told:
        KeyringKey("rightscan/vault")
    assert told.value.code == "bad_environment"
