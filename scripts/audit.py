"""`make audit`: known vulnerabilities of the locked packages, and bandit over our own code.

Exits with 0 when every package was looked up and none is vulnerable, 1 when something was found, and 3 when packages
could not be looked up: a package that was not audited never counts as clean.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script's path begins with its own folder

from scripts.tool_environment import install_tools  # noqa: E402 - the path is set above

HOME = ROOT / ".venv-audit"
LOCK, TOOLS = ROOT / "requirements.lock", ROOT / "requirements-audit.lock"
CODE = ("dags", "plugins", "include", "scripts")  # code that runs in production, and this script
_REASON = re.compile(r"#.*\b(noqa: S\d+|ruff: ignore\[[a-z-]+\]) - \w")  # one reason serves ruff and bandit
SOURCES = ("pypi", "osv")
CLEAN, FOUND, NOT_AUDITED = 0, 1, 3
SECONDS = 300


@dataclass(frozen=True)
class Lookup:
    """The answer of an advisory source: packages looked up, packages not looked up, and vulnerabilities."""

    source: str
    audited: int
    skipped: tuple[str, ...]
    vulnerabilities: tuple[str, ...]
    problem: str = ""

    @property
    def is_complete(self) -> bool:
        """Return whether every package was looked up."""
        return bool(self.audited) and not self.skipped and not self.problem

    def summarize(self) -> str:
        """Return the answer as one sentence."""
        if self.problem:
            return f"{self.source}: NOT AUDITED ({self.problem})"
        message = f"{self.source}: {self.audited} packages looked up, {len(self.vulnerabilities)} vulnerabilities"
        skipped = f", NOT AUDITED: {len(self.skipped)} ({', '.join(self.skipped[:5])} …)" if self.skipped else ""
        return message + skipped


def read_answer(source: str, output: str, error: str) -> Lookup:
    """Return the result in pip-audit's JSON; no JSON means that nothing was audited."""
    try:
        listed = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        said = error.strip().splitlines()
        return Lookup(source, 0, (), (), said[-1][:200] if said else "no answer")
    skipped = tuple(each["name"] for each in listed if "skip_reason" in each)
    looked_up = [each for each in listed if "skip_reason" not in each]
    vulnerable = tuple(
        f"{each['name']} {each['version']}: {found['id']}, fixed in {', '.join(found['fix_versions']) or 'none yet'}"
        for each in looked_up
        for found in each["vulns"]
    )
    return Lookup(source, len(looked_up), skipped, vulnerable)


def judge(lookups: Sequence[Lookup]) -> int:
    """Return the exit status: a vulnerability from any source counts, clean needs one complete source."""
    if any(lookup.vulnerabilities for lookup in lookups):
        return FOUND
    return CLEAN if any(lookup.is_complete for lookup in lookups) else NOT_AUDITED


def look_up(source: str) -> Lookup:
    """Ask an advisory source about every locked package."""
    command = [str(HOME / "bin" / "pip-audit"), "--vulnerability-service", source, "--requirement", str(LOCK)]
    command += ["--strict", "--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        return Lookup(source, 0, (), (), f"no answer within {SECONDS} seconds")
    return read_answer(source, done.stdout, done.stderr)


def run_bandit() -> list[str]:
    """Return what bandit finds on lines without a reason."""
    command = [str(HOME / "bin" / "bandit"), "--quiet", "--configfile", "pyproject.toml", "--format", "json"]
    done = subprocess.run(  # noqa: S603 - constants
        [*command, "--recursive", *CODE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    answer = json.loads(done.stdout)
    broken = [f"{each['filename']}: {each['reason']}" for each in answer["errors"]]
    return broken + [format_finding(each) for each in answer["results"] if not has_reason(each)]


def has_reason(finding: Mapping[str, Any]) -> bool:
    """Return whether the line of a finding gives a reason."""
    lines = (ROOT / finding["filename"]).read_text(encoding="utf-8").splitlines()
    return any(_REASON.search(lines[number - 1]) for number in finding["line_range"])


def format_finding(finding: Mapping[str, Any]) -> str:
    """Return a finding as one line."""
    return f"{finding['filename']}:{finding['line_number']} {finding['test_id']} {finding['issue_text']}"


def main() -> int:
    """Audit and report; returns the exit status."""
    if not install_tools(HOME, TOOLS):
        print("NOT AUDITED: pip-audit and bandit cannot be installed here (requirements-audit.lock).")
        return NOT_AUDITED
    bandit = run_bandit()
    print(f"bandit: {len(bandit)} findings without a reason", *bandit, sep="\n  ")
    lookups = []
    for source in SOURCES:
        lookups.append(look_up(source))
        print(lookups[-1].summarize())
        if lookups[-1].is_complete:
            break
    for lookup in lookups:
        print("\n".join(lookup.vulnerabilities), end="\n" if lookup.vulnerabilities else "")
    status = judge(lookups)
    if status == NOT_AUDITED:
        print("NOT AUDITED: no advisory source answered for every package; the others were not checked.")
    return FOUND if bandit else status


if __name__ == "__main__":
    sys.exit(main())
