from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from app.bulletins.document import BulletinDocument
from app.ingest.structure import build
from app.ingest.text import read_text
from app.rendering.text import render_text

SAMPLE = Path(__file__).parents[1] / "samples" / "2026-06-25.txt"


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_document_written_as_text_is_read_back_as_itself(
    data: st.DataObject, text_documents: st.SearchStrategy[BulletinDocument]
) -> None:
    document = data.draw(text_documents)
    assert build(read_text(render_text(document)))[0] == document
