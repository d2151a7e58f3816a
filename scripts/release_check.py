"""`make release-check`: runs all checks of a release, part by part, and prints each result and time.

`make release-check ONLY="check docs"` runs only these parts. Output goes to .site/release/<part>.log. Exits with 1
when a part failed or could not be run.
"""

from __future__ import annotations

import contextlib
import filecmp
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script's path begins with its own folder

LOGS = ROOT / ".site" / "release"
LOCKS = {name: f"requirements-{name}.in" for name in ("local", "audit", "docs")}
BUSY = 4  # processes that keep the CPU busy while the suite runs again
_LOOP = "while True: pass"
_COMPILE = (
    "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url",
    "--no-emit-find-links", "--custom-compile-command", "make lock",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A part of the check: its name, and a function that returns whether it passed; `log` gets the output."""

    name: str
    run: Callable[[IO[str]], bool]


def run_command(*command: str) -> Callable[[IO[str]], bool]:
    """Return a check that a command exits with 0."""

    def run(log: IO[str]) -> bool:
        return not subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False).returncode  # noqa: S603 - ours

    return run


@contextlib.contextmanager
def keep_busy(count: int) -> Generator[list[subprocess.Popen[bytes]]]:
    """Keep the CPU busy with processes while the block runs."""
    processes = [subprocess.Popen([sys.executable, "-c", _LOOP]) for _ in range(count)]  # noqa: S603 - constants
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run_suite_while_busy(log: IO[str]) -> bool:
    """Run the suite while other processes keep the CPU busy."""
    with keep_busy(BUSY):
        return run_command("make", "test")(log)


def lock_of(source: str) -> str:
    """Return the name of the lock file of an input file."""
    return "requirements.lock" if source == LOCKS["local"] else source.replace(".in", ".lock")


def is_fresh(source: str, log: IO[str]) -> bool:
    """Return whether `make lock` would write the same lock file with its present versions."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / lock_of(source)
        shutil.copyfile(ROOT / written.name, written)
        command = [sys.executable, "-m", "uv", *_COMPILE, source, "-o", str(written)]
        done = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False)  # noqa: S603 - constants
        return not done.returncode and filecmp.cmp(ROOT / written.name, written, shallow=False)


def check_locks(log: IO[str]) -> bool:
    """Return whether all lock files are fresh; the log names the stale ones."""
    stale = [source for source in LOCKS.values() if not is_fresh(source, log)]
    log.write("".join(f"{lock_of(source)} is not what {source} gives: run make lock\n" for source in stale))
    return not stale


def list_parts() -> list[Part]:
    """Return the parts in their order: quick ones first; the proof is one part for each of its files."""
    proofs = [(Path(file).stem.removeprefix("test_"), file) for file in read_proofs()]
    return [
        Part("check", run_command("make", "check")),
        Part("locks", check_locks),
        Part("docs", run_command("make", "docs")),
        Part("audit", run_command("make", "audit")),
        Part("test", run_command("make", "test")),
        Part("test-workers", run_command("make", "test-workers")),
        Part("histories", run_command("make", "histories", "N=10000")),
        *(Part(f"proof-{name}", run_command("make", "proof", f"PROOF={file}")) for name, file in proofs),
        Part("test-while-busy", run_suite_while_busy),
    ]


def read_proofs() -> list[str]:
    """Return the files of `make proof`, as the Makefile lists them."""
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    [listed] = [line for line in lines if line.startswith("PROOF ?=")]
    return listed.removeprefix("PROOF ?=").split()


def run_parts(parts: Sequence[Part], logs: Path = LOGS) -> bool:
    """Run parts one after the other and print the result of each; returns whether all passed."""
    logs.mkdir(parents=True, exist_ok=True)
    good = True
    for part in parts:
        began = time.monotonic()
        with (logs / f"{part.name}.log").open("w", encoding="utf-8") as log:
            passed = part.run(log)
        outcome = "passed" if passed else f"FAILED: {logs / part.name}.log"
        print(f"{part.name:<24} {time.monotonic() - began:7.0f} s  {outcome}", flush=True)
        good = good and passed
    return good


def main(wanted: Sequence[str]) -> int:
    """Run the requested parts, or all; returns the exit status."""
    parts = list_parts()
    unknown = set(wanted) - {part.name for part in parts}
    if unknown:
        print(f"No such part: {', '.join(sorted(unknown))}. Parts: {', '.join(part.name for part in parts)}")
        return 2
    return 0 if run_parts([part for part in parts if not wanted or part.name in wanted]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
