from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from app.bulletins.document import BulletinDocument
from app.ingest.markdown import read_markdown
from app.ingest.structure import build
from app.rendering.markdown import render_markdown

SAMPLE = Path(__file__).parents[1] / "samples" / "2026-06-25.txt"


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_document_written_as_markdown_is_read_back_as_itself(
    data: st.DataObject, markdown_documents: st.SearchStrategy[BulletinDocument]
) -> None:
    document = data.draw(markdown_documents)
    assert build(read_markdown(render_markdown(document)))[0] == document
