import os
import pwd
from pathlib import Path

import pytest

from app.kit import run_as
from app.kit.run_as import NoAccountError, account_for, open_the_way

NOBODY = pwd.getpwuid(65534)


def test_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(NoAccountError, match="belongs to another user: start as that user"):
        account_for(tmp_path)


def test_own_folder_needs_no_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid or 1)
    if tmp_path.stat().st_uid:
        assert account_for(tmp_path) is None
    assert account_for(tmp_path / "new") is None


def test_root_runs_as_the_folders_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    if tmp_path.stat().st_uid == 0:
        os.chown(tmp_path, NOBODY.pw_uid, -1)
    account = account_for(tmp_path)
    assert account
    assert account.pw_uid == tmp_path.stat().st_uid


def test_root_without_an_account_is_told_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(run_as, "ACCOUNT", "no-such-account")
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(NoAccountError, match=r"run useradd --system .* no-such-account"):
        account_for(tmp_path / "new")


def test_way_is_opened_for_passing_not_for_listing(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    if closed.stat().st_uid == NOBODY.pw_uid:
        pytest.skip("the tests run as nobody")
    open_the_way(closed / "inside", NOBODY)
    assert closed.stat().st_mode & 0o777 == 0o701
