import json
import subprocess
import sys

import pytest

SAYING = """
import logging, structlog, sys
from app.kit.telemetry import configure_logging
early = structlog.get_logger("app.early")
configure_logging(sys.argv[1])
early.info("数据.saved", count=2)
early.debug("detail")
logging.getLogger("library").info("chatter")
logging.getLogger("library").warning("trouble")
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger("app.late").exception("failed")
"""


def said(log_format: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SAYING, log_format],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    assert done.stdout == ""
    return done.stderr


def test_json_log_is_one_object_a_line() -> None:
    saved, trouble, failed = (json.loads(line) for line in said("json").splitlines())
    assert (saved["event"], saved["count"], saved["level"], saved["logger"]) == (
        "数据.saved",
        2,
        "info",
        "app.early",
    )
    assert (trouble["event"], trouble["level"]) == ("trouble", "warning")
    assert "ZeroDivisionError" in failed["exception"]
    assert {"timestamp"} <= set(saved) & set(trouble) & set(failed)


@pytest.mark.parametrize("word", ["数据.saved", "count=2", "trouble", "ZeroDivisionError"])
def test_console_log_is_plain_where_there_is_no_terminal(word: str) -> None:
    text = said("console")
    assert word in text
    assert "\x1b[" not in text
    assert "chatter" not in text
    assert "detail" not in text
