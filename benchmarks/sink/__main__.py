"""Serves the sink: python -m benchmarks.sink FOLDER; the ports are written to FOLDER/ready.json."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from benchmarks.sink.org import SinkOrg
from benchmarks.sink.server import SinkServer
from salesforce_sandbox.certificates import prepare_certificates


def main() -> None:
    """Serve HTTP and HTTPS until the process is stopped."""
    folder = Path(sys.argv[1])
    org = SinkOrg(folder)
    plain, secure = SinkServer(org), SinkServer(org, prepare_certificates(folder))
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    draft = folder / "ready.draft"
    draft.write_text(json.dumps({"http": plain.server_port, "https": secure.server_port}))
    draft.rename(folder / "ready.json")
    secure.serve_forever()


if __name__ == "__main__":
    main()
