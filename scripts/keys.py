"""A partner to measure with."""

from app.kit.db import connect
from app.kit.settings import Settings
from app.partners import keys


async def new_key(settings: Settings) -> str:
    """A key of a new partner, whose plan has the widest limits."""
    async with connect(settings) as database, database.session() as session:
        await keys.add_partner(session, "bench", [], "internal")
        return (await keys.add_key(session, "bench"))[1]
