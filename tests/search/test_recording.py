import re

import httpx2
import pytest

from tests.search.recording import FOLDER, replayed, server_seen


def test_recordings_are_of_the_version_that_is_supported_and_name_no_machine() -> None:
    files = sorted(FOLDER.rglob("*.jsonl"))
    assert files
    for file in files:
        assert server_seen(file).startswith("1.50.")
        assert not re.search(
            r"https?://(?!docs\.meilisearch\.com)|/home/|/work/|Bearer", file.read_text("utf-8")
        )


def test_a_request_that_is_not_as_recorded_fails() -> None:
    def replay() -> None:
        with replayed(FOLDER / "shelf" / "every_term_must_be_found.jsonl") as url:
            answer = httpx2.post(f"{url}/multi-search", json={"queries": []})
            assert answer.status_code == 500

    with pytest.raises(AssertionError, match="not as recorded"):
        replay()


def test_a_request_that_is_recorded_and_not_made_fails() -> None:
    def replay() -> None:
        with replayed(FOLDER / "shelf" / "every_term_must_be_found.jsonl"):
            pass

    with pytest.raises(AssertionError, match="never asked"):
        replay()
