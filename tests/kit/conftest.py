import pytest

from tests.kit.toy import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the front."""
    clock = Clock()
    for module in ("front", "front_load", "front_store"):
        monkeypatch.setattr(f"app.kit.{module}.monotonic", clock)
    return clock
