"""Whose signatures count: trust anchors as configuration."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from rightscan.errors import UsageError

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")
_BEGIN = b"-----BEGIN CERTIFICATE-----"
_LARGEST = 4 << 20  # bytes; the published trust list has about 100 kB
_DER_SEQUENCE = 0x30


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """Certificates of authorities whose signatures make a manifest ``trusted``.

    Attributes:
        anchors_pem: PEM certificates, one behind the other. Empty, the default: nothing is ever trusted.

    Raises:
        UsageError: ``bad_trust_anchors``.
    """

    anchors_pem: bytes = b""

    def __post_init__(self) -> None:
        if not self.anchors_pem.strip():
            return
        if len(self.anchors_pem) > _LARGEST:
            raise bad_anchors(f"{len(self.anchors_pem)} bytes of them")
        blocks = _BLOCK.findall(self.anchors_pem)
        if not blocks or len(blocks) != self.anchors_pem.count(_BEGIN):
            raise bad_anchors("there is no whole PEM certificate where one should be")
        if not all(_is_der(block) for block in blocks):
            raise bad_anchors("a certificate is not DER inside")

    @property
    def has_anchors(self) -> bool:
        """Whether anything can be trusted at all."""
        return bool(self.anchors_pem.strip())


def bad_anchors(what: str) -> UsageError:
    """The error for anchors that are none."""
    return UsageError(
        "bad_trust_anchors",
        f"the trust anchors cannot be read: {what}",
        "Give the authorities' certificates in PEM form, each from BEGIN CERTIFICATE to END CERTIFICATE.",
    )


def _is_der(block: bytes) -> bool:
    """Whether base64 text holds one ASN.1 sequence of just that length."""
    try:
        der = base64.b64decode(b"".join(block.split()), validate=True)
    except binascii.Error:
        return False
    if len(der) < 4 or der[0] != _DER_SEQUENCE:
        return False
    if der[1] < 0x80:
        return len(der) == 2 + der[1]
    count = der[1] & 0x7F
    return len(der) == 2 + count + int.from_bytes(der[2 : 2 + count])
