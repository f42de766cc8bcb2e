"""What Schemathesis needs to know of this API; loaded by ``tests/test_contract.py``."""

import re
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response
from schemathesis.specs.openapi.checks import positive_data_acceptance

# A schema cannot say which names exist, nor how two parameters must agree: these refusals are by design.
_UNKNOWN = re.compile(
    r"there is no (tag|source) .*|there is no word in it to search for"
    r"|it is earlier than from|control characters are not text|it is empty"
    r"|it is in the future|it cannot be combined with version|a moment is written .*"
    r"|at most 366 days can be counted at once|there is no word in it to search for"
    r"|it is on no host that the account signs for"
)


@schemathesis.check
def accepts_what_the_description_allows(
    ctx: CheckContext, response: Response, case: Case[Any]
) -> bool | None:
    """``positive_data_acceptance``, except for values that are well-formed and name nothing."""
    if response.status_code == 422:
        problem = response.json()
        reasons = [error["detail"] for error in problem.get("errors", [])]
        if problem["type"] == "/problems/invalid-cursor" or all(map(_UNKNOWN.fullmatch, reasons)):
            return None
    return positive_data_acceptance(ctx, response, case)
