import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from app.kit.settings import Settings
from app.partners import messages
from tests.cli.conftest import environment_with
from tests.conftest import Publish
from tests.partners.conftest import Partner
from tests.partners.hooks import execute, fan_out, finished, rows, wait_until
from tests.partners.receiver import Receiver
from tests.partners.test_sync import bulletin

PROCESS = Path(__file__).with_name("worker_process.py")


@contextmanager
def workers(hooks: Settings) -> Iterator[Iterator[int]]:
    """The ids of worker processes: one, and when it was killed the next."""
    allowed = ",".join(map(str, hooks.webhook_allow))
    values = {"DATABASE_URL": hooks.conninfo, "NQPF_DATA": hooks.data, "NQPF_WEBHOOK_ALLOW": allowed}
    with subprocess.Popen(
        [sys.executable, str(PROCESS)],
        env=environment_with(values),
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout
        try:
            yield (int(line) for line in process.stdout if line.strip().isdigit())
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_message_whose_worker_was_killed_is_sent_again_with_the_same_id(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "SETTLING", timedelta(0))
    receiver.behaviours["/"] = receiver.never
    partner.add(receiver.url())
    publish(bulletin(1))
    fan_out(hooks)
    with workers(hooks) as running:
        first = next(running)
        receiver.wait(1)
        os.kill(first, signal.SIGKILL)
        assert next(running) != first
        held = "SELECT held_until > now() + interval '1 minute', attempts FROM webhook_delivery"
        assert rows(hooks, held) == [(True, 0)]
        receiver.behaviours.clear()
        execute(hooks, "UPDATE webhook_delivery SET held_until = now()")  # As if so long had gone by.
        receiver.wait(2)
        wait_until(finished(hooks, 1))
    lost, sent = receiver.received
    assert lost.headers["webhook-id"] == sent.headers["webhook-id"]
    assert lost.body == sent.body
    assert rows(hooks, "SELECT state, attempts FROM webhook_delivery") == [("delivered", 1)]
