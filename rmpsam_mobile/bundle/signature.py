"""Ed25519 signatures of bundles: who vouches for the bytes.

Signed is ``SHA256SUMS``, which covers the manifest and every file; the signature lies beside it in ``SIGNATURE``. Keys
are PEM files, as ``openssl genpkey -algorithm ed25519`` writes them.
"""

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rmpsam_mobile.atomic import write_file
from rmpsam_mobile.bundle.store import SUMS, Bundle
from rmpsam_mobile.errors import GateError, InputError, MissingExtraError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE: Final = "SIGNATURE"


def bundle_sha256(bundle: Bundle) -> str:
    """Hash of a bundle: of its list of sums, and so of every byte in it."""
    return hashlib.sha256((bundle.folder / SUMS).read_bytes()).hexdigest()


def read_private_key(path: Path) -> "Ed25519PrivateKey":
    """Read the key that signs.

    Raises:
        InputError: no PEM file of an Ed25519 private key without a password.
        MissingExtraError: cryptography is not installed.
    """
    from_pem = _cryptography().load_pem_private_key
    key: Ed25519PrivateKey = _key(path, lambda raw: from_pem(raw, password=None), "Ed25519PrivateKey", "private")
    return key


def read_public_key(path: Path) -> "Ed25519PublicKey":
    """Read the key that verifies; errors as in ``read_private_key``."""
    key: Ed25519PublicKey = _key(path, _cryptography().load_pem_public_key, "Ed25519PublicKey", "public")
    return key


def sign_bundle(bundle: Bundle, key: "Ed25519PrivateKey") -> Path:
    """Sign a finished bundle; returns the file that was written."""
    signature = base64.b64encode(key.sign((bundle.folder / SUMS).read_bytes()))
    write_file(bundle.folder / SIGNATURE, signature + b"\n")
    return bundle.folder / SIGNATURE


def verify_bundle(bundle: Bundle, key: "Ed25519PublicKey") -> None:
    """Hold an opened, and so whole, bundle against its signature.

    Raises:
        GateError: it is not signed, or not by this key.
    """
    from cryptography.exceptions import InvalidSignature

    path = bundle.folder / SIGNATURE
    if not path.is_file():
        raise GateError(f"{bundle.folder} is not signed; export it with --sign KEY, or leave --verify away")
    try:
        signature = base64.b64decode(path.read_bytes().strip(), validate=True)
        key.verify(signature, (bundle.folder / SUMS).read_bytes())
    except (InvalidSignature, ValueError):
        raise GateError(
            f"{bundle.folder}: the signature is not of this key or not of these bytes; do not use this bundle"
        ) from None


def _cryptography() -> Any:
    try:
        from cryptography.hazmat.primitives import serialization
    except ImportError:
        raise MissingExtraError(
            "signatures need cryptography; install it with: pip install 'rmpsam-mobile[sign]'"
        ) from None
    return serialization


def _key(path: Path, load: Any, kind: str, half: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ed25519

    wanted = f"wanted the PEM file of an Ed25519 {half} key without a password"
    try:
        key = load(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}); {wanted}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InputError(f"{path} is no key that can be read; {wanted}") from None
    if not isinstance(key, getattr(ed25519, kind)):
        raise InputError(f"{path} holds a key of another kind; {wanted}")
    return key
