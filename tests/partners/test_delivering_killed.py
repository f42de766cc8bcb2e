import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from app.kit.settings import Settings
from app.partners import messages
from tests.cli.conftest import COMMAND, environment_with
from tests.conftest import Publish
from tests.partners.conftest import Partner
from tests.partners.hooks import execute, fan_out, finished, rows, wait_until
from tests.partners.receiver import Receiver
from tests.partners.test_sync import bulletin


@contextmanager
def worker(hooks: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """`nqpf worker` in a process of its own."""
    allowed = ",".join(map(str, hooks.webhook_allow))
    values = {"DATABASE_URL": hooks.conninfo, "NQPF_DATA": hooks.data, "NQPF_WEBHOOK_ALLOW": allowed}
    with subprocess.Popen([*COMMAND, "worker"], env=environment_with(values)) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_message_whose_worker_was_killed_is_sent_again_with_the_same_id(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "SETTLING", timedelta(0))
    receiver.behaviours["/"] = receiver.never
    partner.add(receiver.url())
    publish(bulletin(1))
    fan_out(hooks)
    with worker(hooks) as killed:
        receiver.wait(1)
        killed.send_signal(signal.SIGKILL)
        assert killed.wait() == -signal.SIGKILL
    held = "SELECT held_until > now() + interval '1 minute', attempts FROM webhook_delivery"
    assert rows(hooks, held) == [(True, 0)]
    receiver.behaviours.clear()
    execute(hooks, "UPDATE webhook_delivery SET held_until = now()")  # As if so long had gone by.
    with worker(hooks):
        receiver.wait(2)
        wait_until(finished(hooks, 1))
    first, again = receiver.received
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    assert rows(hooks, "SELECT state, attempts FROM webhook_delivery") == [("delivered", 1)]
