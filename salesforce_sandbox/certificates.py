"""The sandbox's own certificate authority, created at first start."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

NAMES = ("127.0.0.1", "localhost", "login.salesforce.com", "test.salesforce.com", "*.my.salesforce.com")


def prepare_certificates(folder: Path) -> ssl.SSLContext:
    """Return the server's TLS context; clients must trust `folder/ca.crt`. Both are created once and kept."""
    certificate, authority = folder / "server.pem", folder / "ca.crt"
    if not (certificate.exists() and authority.exists()):
        ca = trustme.CA(organization_name="Salesforce sandbox")
        ca.issue_cert(*NAMES).private_key_and_cert_chain_pem.write_to_path(str(certificate))
        certificate.chmod(0o600)
        ca.cert_pem.write_to_path(str(authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    return context
