from app.search.breaker import Breaker


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker(limit=3, pause=10, clock=clock)
    for _ in range(3):
        assert breaker.lets_through()
        breaker.failed("down")
    return breaker, clock


def test_it_opens_after_three_failures_in_a_row() -> None:
    breaker, _ = opened()
    assert breaker.state == "open"
    assert not breaker.lets_through()
    assert breaker.reason == "down"


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker(limit=3)
    for reported in (breaker.failed, breaker.failed, lambda _: breaker.succeeded(), breaker.failed):
        reported("down")
    assert breaker.state == "closed"


def test_after_a_pause_one_call_is_let_through_and_closes_it() -> None:
    breaker, clock = opened()
    clock.now = 10
    assert breaker.lets_through()
    assert not breaker.lets_through(), "nobody else until it is answered"
    breaker.succeeded()
    assert breaker.state == "closed"
    assert breaker.lets_through()


def test_a_call_that_fails_while_half_open_opens_it_again() -> None:
    breaker, clock = opened()
    clock.now = 10
    assert breaker.lets_through()
    breaker.failed("still down")
    clock.now = 19
    assert not breaker.lets_through()
    clock.now = 20
    assert breaker.lets_through()


def test_a_call_that_is_never_reported_does_not_keep_it_open_for_ever() -> None:
    breaker, clock = opened()
    clock.now = 10
    assert breaker.lets_through()
    clock.now = 20
    assert breaker.lets_through()
