"""Check 67: unmodified jsforce and sf CLI complete login, query, upsert and bulk upsert against the sandbox."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from rest import Rest
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox

HERE = Path(__file__).resolve().parent / "javascript"
MODULES = HERE / "node_modules"
ARCHITECTURE = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
NODE = MODULES / f"node-linux-{ARCHITECTURE}" / "bin" / "node"
SF = MODULES / "@salesforce" / "cli" / "bin" / "run.js"
pytestmark = [
    pytest.mark.skipif(
        not (NODE.exists() and SF.exists()),
        reason="jsforce and the sf CLI are not installed: sh scripts/setup-javascript",
    ),
    pytest.mark.timeout(240),
]


def run_node(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Node in a folder of the test: the sf CLI leaves files in its working directory."""
    command = [str(NODE), "--no-deprecation", *words]
    environment |= {"NODE_COMPILE_CACHE": str(MODULES / ".compiled")}
    return subprocess.run(
        command, env=os.environ | environment, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("way", ["soap", "clientCredentials", "token"])
def test_check_67_jsforce(
    rest: Rest, sandbox: Control, sandbox_server: RunningSandbox, tmp_path: Path, way: str
) -> None:
    sandbox.add_records("Account", [{"Name": f"n{n}", "Ext__c": f"K{n}"} for n in range(2100)])
    token = str(rest.session.headers["Authorization"]).removeprefix("Bearer ")
    secure = way == "token"
    url = sandbox_server.https_url if secure else sandbox_server.http_url
    done = run_node(tmp_path, str(HERE / "client.mjs"), way, url, token, NODE_EXTRA_CA_CERTS=sandbox_server.ca_file)
    assert done.returncode == 0, done.stdout + done.stderr
    message: dict[str, Any] = json.loads(done.stdout)
    assert message["user"] == "integration@tests.example"
    assert message["found"] == 2100
    assert message["fields"] > 10
    assert (message["one"]["success"], message["one"]["created"], message["again"]["created"]) == (True, True, False)
    assert [each["success"] for each in message["many"]] == [True, False, True]
    assert message["many"][1]["errors"][0]["statusCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert message["deleted"] is True
    assert [row["Ext__c"] for row in message["successful"]] == ["x"]
    assert {row["Ext__c"]: row["sf__Error"].partition(":")[0] for row in message["failed"]} == {
        "y": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "z": "REQUIRED_FIELD_MISSING",
    }
    assert message["unprocessed"] == []


class Sf:
    """The sf CLI with its own home directory."""

    def __init__(self, home: Path, token: str) -> None:
        self.home = home
        self.environment = {
            "HOME": str(home),
            "SF_ACCESS_TOKEN": token,
            "SF_USE_GENERIC_UNIX_KEYCHAIN": "true",
            "SF_DISABLE_TELEMETRY": "true",
            "SF_AUTOUPDATE_DISABLE": "true",
            "SF_SKIP_NEW_VERSION_CHECK": "true",
        }

    def run(self, *words: str, status: int = 0) -> Any:
        done = run_node(self.home, str(SF), *words, "--json", **self.environment)
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout)


def test_check_67_the_sf_cli(rest: Rest, sandbox: Control, sandbox_server: RunningSandbox, tmp_path: Path) -> None:
    url = sandbox_server.http_url
    sf = Sf(tmp_path, str(rest.session.headers["Authorization"]).removeprefix("Bearer "))
    logged_in = sf.run("org", "login", "access-token", "--instance-url", url, "--no-prompt", "--alias", "local")
    assert logged_in["result"]["username"] == "integration@tests.example"
    file = tmp_path / "accounts.csv"
    file.write_text("Ext__c,Name\na,fine\nb,bad\n")
    upsert = ("data", "upsert", "bulk", "-s", "Account", "-i", "Ext__c", "-f", str(file), "-o", "local", "--wait", "5")
    rejected = sf.run(*upsert, status=1)
    assert rejected["name"] == "FailedRecordDetailsError"
    assert [each["fields"]["Name"] for each in sandbox.records("Account")] == ["fine"]
    found = sf.run("data", "query", "-q", "SELECT Id, Name FROM Account", "-o", "local")
    assert [row["Name"] for row in found["result"]["records"]] == ["fine"]
    job = rest.call("GET", "jobs/ingest").json()["records"][0]["id"]
    results = sf.run("data", "bulk", "results", "--job-id", job, "-o", "local")
    assert (results["result"]["successfulRecords"], results["result"]["failedRecords"]) == (1, 1)
    sf.run("data", "delete", "record", "-s", "Account", "-w", "Ext__c=a", "-o", "local")
    assert [each["deleted"] for each in sandbox.records("Account")] == [True]


def test_check_67_the_sf_cli_logs_in_by_jwt(sandbox: Control, sandbox_server: RunningSandbox, tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    words = ("org", "login", "jwt", "--username", "integration@tests.example", "--jwt-key-file", str(file),
             "--client-id", "sandbox-key", "--instance-url", sandbox_server.http_url, "--alias", "jw")  # fmt: skip
    assert Sf(tmp_path, "").run(*words)["result"]["username"] == "integration@tests.example"
