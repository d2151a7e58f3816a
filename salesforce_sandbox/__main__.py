"""The command line of the sandbox."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from salesforce_sandbox.definition import DefinitionError
from salesforce_sandbox.org import Org
from salesforce_sandbox.org_file import load_definition
from salesforce_sandbox.server import serve


def main() -> int:
    """Serve the org of a file until it is stopped; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m salesforce_sandbox",
        description="A Salesforce that runs on a laptop, over HTTP and HTTPS with its own certificate authority.",
        epilog="Point clients at it with REQUESTS_CA_BUNDLE=DIR/ca.crt; salesforce_sandbox/README.md has examples.",
    )
    parser.add_argument("--org", type=Path, required=True, help="definition of the org (YAML)")
    parser.add_argument("--data", type=Path, required=True, help="folder for records and certificates")
    parser.add_argument("--http-port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--https-port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--ready-file", type=Path, help="JSON with the addresses, written when it serves")
    args = parser.parse_args()
    try:
        definition = load_definition(args.org)
        args.data.mkdir(parents=True, exist_ok=True)
        org = Org(definition, args.data)
        serve(org, args.data, args.http_port, args.https_port, args.ready_file)
    except DefinitionError as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except OSError as refused:
        print(f"The sandbox cannot start: {refused}. Another program may use the port.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
