"""The command line of the sandbox."""

from __future__ import annotations

import argparse
import gc
import os
import stat
import sys
from pathlib import Path

from salesforce_sandbox.api.guard import Guard
from salesforce_sandbox.definition.definition import DefinitionError
from salesforce_sandbox.definition.org_file import load_definition
from salesforce_sandbox.org.org import Org
from salesforce_sandbox.server import serve

_ABOUT = """A Salesforce that runs on a laptop: login, REST, Collections, Bulk API 2.0 and v1 of an org that a file
defines, over HTTP and HTTPS with its own certificate authority. Rules reject records with Salesforce's messages; faults
can be switched on. It prints its addresses and serves until it is stopped; records are kept in the data folder."""
_EXAMPLES = """examples:
  python -m salesforce_sandbox --org org.yaml --data /tmp/sandbox --http-port 8080 --https-port 8443
  export REQUESTS_CA_BUNDLE=/tmp/sandbox/ca.crt      # what Python clients must trust
  open http://127.0.0.1:8080/sandbox                 # the org as "Salesforce" sees it, its rules and faults

salesforce_sandbox/definition/definition.py explains the org file, salesforce_sandbox/README.md clients, the control
API for tests and faults, and salesforce_sandbox/assumptions.py what is assumed of Salesforce."""


def main() -> int:
    """Serve the org of a file until it is stopped; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m salesforce_sandbox",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--org", type=Path, required=True, metavar="FILE", help="definition of the org (YAML)")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder for records, certificates and job files"
    )
    parser.add_argument("--http-port", type=int, default=0, metavar="N", help="default: a free port")
    parser.add_argument("--https-port", type=int, default=0, metavar="N", help="default: a free port")
    parser.add_argument(
        "--ready-file", type=Path, metavar="FILE", help="JSON file with the addresses, written once it serves"
    )
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME",
        help="another host name for /sandbox, in addition to 127.0.0.1, localhost and ::1",
    )  # fmt: skip
    args = parser.parse_args()
    try:
        definition = load_definition(args.org)
        _prepare_folder(args.data)
        org = Org(definition, args.data)
        guard = Guard.for_hosts(args.allow_host)
        gc.freeze()  # collections pass over the imported modules and the definition, which stay
        serve(org, args.data, args.http_port, args.https_port, args.ready_file, guard)
    except DefinitionError as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except OSError as rejected:
        advice = "" if isinstance(rejected, PermissionError) else " Another program may use the port."
        print(f"The sandbox cannot start: {rejected}.{advice}", file=sys.stderr)
        return 1
    return 0


def _prepare_folder(folder: Path) -> None:
    """Make the data folder, and all that this process writes, readable for this user only; raises OSError."""
    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True)
    if folder.stat().st_mode & stat.S_ISVTX or folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} is shared with other users; --data needs a folder of its own")
    folder.chmod(0o700)


if __name__ == "__main__":
    sys.exit(main())
