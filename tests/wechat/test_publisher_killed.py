"""kill -9 at each step of the journey: exactly one article at the end."""

import json
import signal
import subprocess
import sys
from datetime import date, timedelta

import pytest

from app.kit.settings import Settings
from app.wechat.accounts import Account, Mode
from tests.conftest import Publish
from tests.wechat.conftest import issue
from tests.wechat.simulator import Simulator
from tests.wechat.simulator_world import SECRET

MANY = 16


@pytest.mark.parametrize("goal", [Mode.freepublish, Mode.sendall])
def test_killed_at_any_step_a_bulletin_becomes_exactly_one_article(
    settings: Settings, wechat: Simulator, account: Account, publish: Publish, goal: Mode
) -> None:
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range(MANY)]
    publish(*map(issue, days))
    wechat.world.sends_left = MANY
    configured = account.model_copy(update={"sends_a_day": MANY}).model_dump(mode="json")
    configured |= {"secret": SECRET, "token": None, "aes_key": None}
    arguments = [settings.conninfo, json.dumps(configured), goal, *map(str, days)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.wechat.publishing_process", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ends: dict[str, tuple[int, str]] = json.loads(done.stdout)
    *killed, (last, _) = ends.values()
    assert {ended for ended, _ in killed} == {signal.SIGKILL}
    assert (last, len(killed) >= 12) == (0, True), "each step was one to be killed at"
    assert {state for _, state in ends.values()} == {"published"}
    live = [item["content_source_url"] for item in wechat.world.live()]
    assert sorted(live) == [f"https://example.org/bulletins/{slug}" for slug in sorted(ends)]
    assert wechat.world.drafts == {}
