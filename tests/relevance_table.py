"""A pytest plugin: how well search finds, printed in every run that measured it.

Tests hand their measurements over as the property ``relevance``, so that those made by other processes
(pytest-xdist) are printed too.
"""

import pytest

PROPERTY = "relevance"

Measured = tuple[str, str, int, float, float, float]
"""Engine, kind of query, number of queries, precision, recall, mean reciprocal rank."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = [
        row
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == PROPERTY
        for row in value
    ]
    if not rows:
        return
    terminalreporter.section("how well search finds")
    terminalreporter.write_line(f"{'':36}{'queries':>8}{'precision':>11}{'recall':>9}{'MRR':>8}")
    for engine, kind, number, precision, recall, rank in sorted(rows, key=lambda row: row[0]):
        name = f"{engine}: {kind}"
        terminalreporter.write_line(f"{name:36}{number:8}{precision:11.3f}{recall:9.3f}{rank:8.3f}")
