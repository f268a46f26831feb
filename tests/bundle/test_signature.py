"""Signatures: whole bundles by the right key, and everything else refused."""

from pathlib import Path

import pytest

from rmpsam_mobile.bundle import Bundle, Manifest, open_bundle, write_bundle
from rmpsam_mobile.bundle.signature import (
    SIGNATURE,
    bundle_sha256,
    read_private_key,
    read_public_key,
    sign_bundle,
    verify_bundle,
)
from rmpsam_mobile.errors import GateError, InputError
from tests.bundle.test_store import fill

pytest.importorskip("cryptography", reason="signatures need the extra [sign]")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two pairs of Ed25519 keys and one of another kind, as PEM files."""
    from cryptography.hazmat.primitives import serialization as to
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    folder = tmp_path_factory.mktemp("keys")
    made = {name: ed25519.Ed25519PrivateKey.generate() for name in ("mine", "other")}
    for name, key in (made | {"curve": ec.generate_private_key(ec.SECP256R1())}).items():
        private = key.private_bytes(to.Encoding.PEM, to.PrivateFormat.PKCS8, to.NoEncryption())
        public = key.public_key().public_bytes(to.Encoding.PEM, to.PublicFormat.SubjectPublicKeyInfo)
        (folder / f"{name}.pem").write_bytes(private)
        (folder / f"{name}.pub.pem").write_bytes(public)
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "small.bundle", fill)


def other_fill(folder: Path) -> Manifest:
    """The same bundle but for one byte."""
    manifest = fill(folder)
    (folder / "prompts.pte").write_bytes(b"prompt5")
    return manifest


def test_a_signed_bundle_is_verified_and_still_opens(bundle: Bundle, keys: Path) -> None:
    before = bundle_sha256(bundle)
    sign_bundle(bundle, read_private_key(keys / "mine.pem"))
    verify_bundle(open_bundle(bundle.folder), read_public_key(keys / "mine.pub.pem"))
    assert bundle_sha256(bundle) == before


def test_another_key_other_bytes_and_a_broken_signature_are_refused(bundle: Bundle, keys: Path, tmp_path: Path) -> None:
    own, other = (read_public_key(keys / f"{name}.pub.pem") for name in ("mine", "other"))
    path = sign_bundle(bundle, read_private_key(keys / "mine.pem"))
    said = f"{bundle.folder}: the signature is not of this key or not of these bytes; do not use this bundle"
    with pytest.raises(GateError) as caught:
        verify_bundle(bundle, other)
    assert str(caught.value) == said
    good = path.read_bytes()
    for broken in (b"", b"no base64 at all!", good[:40], good[:-3] + b"A=\n"):
        path.write_bytes(broken)
        with pytest.raises(GateError, match="the signature is not of this key"):
            verify_bundle(bundle, own)
    again = write_bundle(tmp_path / "again.bundle", other_fill)
    (again.folder / SIGNATURE).write_bytes(good)
    with pytest.raises(GateError, match="not of these bytes"):
        verify_bundle(again, own)


def test_a_bundle_without_a_signature_is_refused(bundle: Bundle, keys: Path) -> None:
    with pytest.raises(GateError) as caught:
        verify_bundle(bundle, read_public_key(keys / "mine.pub.pem"))
    assert str(caught.value) == (f"{bundle.folder} is not signed; export it with --sign KEY, or leave --verify away")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone.pem", "cannot be read (No such file or directory)"),
        ("mine.pub.pem", "is no key that can be read"),
        ("curve.pem", "holds a key of another kind"),
    ],
)
def test_a_file_that_is_no_key(keys: Path, name: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_private_key(keys / name)
    wanted = "wanted the PEM file of an Ed25519 private key without a password"
    assert str(caught.value) == f"{keys / name} {said}; {wanted}"
