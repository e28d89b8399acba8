"""Over TLS: the connection goes to the checked address, the certificate must be the name's."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from consent.models import Delivery, Webhook
from consent.webhooks.services import send_test
from tests.factories import NOW
from tests.webhooks.receiver import Receiver
from tests.webhooks.telling import tell

pytestmark = pytest.mark.django_db


def certificate_for(name: str, folder: Path) -> Path:
    """A certificate and its key in one file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = folder / f"{name}.pem"
    path.write_bytes(
        made.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def deliver_over_tls(
    receiver: Receiver, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, trusted: bool
) -> Delivery:
    path = certificate_for(name, tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    assert receiver.server is not None
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    if trusted:
        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(path))
    webhook = Webhook.objects.get()
    Webhook.objects.update(url=receiver.url.replace("http:", "https:"))
    send_test(webhook.pk, now=NOW)
    tell()
    found: Delivery = Delivery.objects.get()
    return found


def test_a_certificate_of_the_name_is_accepted(
    webhook: Webhook, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = deliver_over_tls(receiver, "localhost", tmp_path, monkeypatch, trusted=True)
    assert made.state == "delivered", made.answer
    assert receiver.got[0].is_signed_with(webhook.shown_secret)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "trusted"), [("other.example", True), ("localhost", False)])
def test_another_names_certificate_or_one_nobody_vouches_for_is_refused(
    webhook: Webhook,
    receiver: Receiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    trusted: bool,
) -> None:
    made = deliver_over_tls(receiver, name, tmp_path, monkeypatch, trusted=trusted)
    assert made.state == "waiting"
    assert "certificate" in made.answer
    assert not receiver.got
