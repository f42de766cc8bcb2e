"""How far back to look, so that a common word costs no more in a longer archive."""

from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.days import shifted
from app.search.contract import Search
from app.search.postgres_pages import COUNTED

_MARGIN = 1.5

# The planner takes reading a row's words for as cheap as reading its date, and likes to go through all
# rows. To start from the index of words is right whatever the words.
_BY_WORDS = text("""
SELECT (SELECT min(date) FROM search_section), (SELECT max(date) FROM search_section),
       (SELECT max(df) FROM search_term WHERE term = ANY(:words)),
       set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true),
       set_config('random_page_cost', '1.1', true), set_config('plan_cache_mode', 'force_custom_plan', true)
""")


async def recent(session: AsyncSession, search: Search) -> date | None:
    """Since when more rows match than are counted, as far as can be told; None to look at all.

    How many sections have one word is known; how many have several, or a tag too, is not.
    The session's next statements start from the index of words.
    """
    words = []
    filters = search.filters
    if len(search.query.terms) == 1 and not (filters.tag or filters.tag_any or filters.source):
        words = [phrase.words[0] for phrase in search.query.terms[0].phrases if len(phrase.words) == 1]
    first, last, df, *_ = (await session.execute(_BY_WORDS, {"words": words})).one()
    if not df or df < _MARGIN * COUNTED:
        return None
    days = (last - first).days * _MARGIN * COUNTED / df
    newest: date = min(last, filters.last or last)
    return shifted(newest, -int(days))
