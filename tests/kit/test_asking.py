import asyncio

import pytest

from app.kit.asking import Asking


def test_a_question_is_asked_once_for_all_and_again_afterwards() -> None:
    asked = 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return asked

    async def run() -> list[int]:
        asking: Asking[str, int] = Asking()
        together = await asyncio.gather(*(asking.answer("a", ask) for _ in range(5)))
        return [*together, await asking.answer("a", ask)]

    assert asyncio.run(run()) == [1, 1, 1, 1, 1, 2]


def test_what_hangs_is_left_alone_and_found_again() -> None:
    async def run() -> None:
        asking: Asking[str, str] = Asking()
        going_on, asked = asyncio.Event(), 0

        async def ask() -> str:
            nonlocal asked
            asked += 1
            await going_on.wait()
            return "late"

        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asking.answer("a", ask, 0.001)
        going_on.set()
        assert (await asking.answer("a", ask), asked) == ("late", 1)

    asyncio.run(run())


def test_all_who_wait_are_told_of_a_failure_and_nobody_need_be() -> None:
    async def ask() -> str:
        await asyncio.sleep(0)
        raise LookupError

    async def run() -> None:
        asking: Asking[str, str] = Asking()
        told = await asyncio.gather(asking.answer("a", ask), asking.answer("a", ask), return_exceptions=True)
        assert [type(each) for each in told] == [LookupError] * 2
        with pytest.raises(TimeoutError):
            await asking.answer("a", ask, 0)
        await asyncio.sleep(0.001)

    asyncio.run(run())
