"""Media that the tests sign with C2PA manifests, under an authority of their own."""

from __future__ import annotations

import datetime as dt
import functools
import io
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import c2pa
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from rightscan.media.encode import encode

MEDIA_TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "avi": "video/avi",
}
"""Codecs of ``encode`` that the C2PA library signs."""

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
RATE = 44100
_OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}


@dataclass(frozen=True)
class Authority:
    """A root that signs one certificate, which signs media."""

    root_pem: bytes
    chain_pem: bytes
    key_pem: bytes

    def signer(self) -> c2pa.Signer:
        info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, self.chain_pem, self.key_pem, None)
        return c2pa.Signer.from_info(info)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Organisation"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _certificate(
    common: str, key: Any, issuer: str, issuer_key: Any, ocsp: str | None, *, is_root: bool
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    usage = x509.KeyUsage(not is_root, False, False, False, False, is_root, is_root, False, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
        .add_extension(usage, critical=True)
    )
    if not is_root:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
    if ocsp:
        where = x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp)
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([where]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


@functools.cache
def authority(name: str = "Authority", ocsp: str | None = None) -> Authority:
    """An authority; ``ocsp`` is where its certificates say that their status can be asked for."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate(name, root_key, name, root_key, None, is_root=True)
    leaf = _certificate(f"{name} signer", key, name, root_key, ocsp, is_root=False)
    pem = [one.public_bytes(serialization.Encoding.PEM) for one in (leaf, root)]
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Authority(pem[1], b"".join(pem), key_pem)


@functools.cache
def sound(codec: str, seconds: float = 1.0) -> bytes:
    """A file of noise."""
    noise = np.random.default_rng(4).normal(0, 0.1, (int(RATE * seconds), 2)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"sound.{codec}")
        encode(noise, RATE, path, codec)
        return path.read_bytes()


def action(source_type: str | None, name: str = "c2pa.created", **more: Any) -> dict[str, Any]:
    """One action; a source type without a colon gets IPTC's address before it."""
    if source_type is not None:
        uri = source_type if ":" in source_type else SOURCE_TYPES + source_type
        more["digitalSourceType"] = uri
    return {"action": name, **more}


def signed(
    codec: str = "wav",
    *,
    actions: list[dict[str, Any]] | None = None,
    assertions: list[dict[str, Any]] | None = None,
    ingredients: list[tuple[dict[str, Any], str, bytes]] | None = None,
    by: Authority | None = None,
    source: bytes | None = None,
    generator: str = "Maker",
    remote_url: str | None = None,
) -> bytes:
    """Sign a file.

    Args:
        codec: one of ``MEDIA_TYPES``.
        actions: of its manifest; one ``c2pa.created`` as ``digitalCapture`` where not given.
        assertions: further ones.
        ingredients: description, codec and bytes of each.
        by: whose signature.
        source: what to sign; noise where not given.
        generator: of the claim.
        remote_url: the manifest is left out, and the file says that it lies there.
    """
    described = {
        "claim_generator_info": [{"name": generator, "version": "1.0"}],
        "title": "a title",
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions or [action("digitalCapture")]}},
            *(assertions or []),
        ],
    }
    with c2pa.Context.from_dict(_OFFLINE) as context:
        builder = c2pa.Builder.from_json(json.dumps(described), context=context)
        for description, kind, data in ingredients or []:
            builder.add_ingredient(json.dumps(description), MEDIA_TYPES[kind], io.BytesIO(data))
        if remote_url:
            builder.set_remote_url(remote_url)
            builder.set_no_embed()
        result = io.BytesIO()
        builder.sign(
            (by or authority()).signer(), MEDIA_TYPES[codec], io.BytesIO(source or sound(codec)), result
        )
        return result.getvalue()
