import pytest

from app.kit.sealing import Seal, SealError, new_key

OLD, NEW = new_key(), new_key()


def test_what_any_key_has_sealed_is_opened() -> None:
    assert Seal([NEW, OLD]).open(Seal([OLD]).seal(b"whsec")) == b"whsec"


@pytest.mark.parametrize(
    "sealed", [Seal([OLD]).seal(b"whsec"), "", "nonsense", "é"], ids=["other", "", "a", "é"]
)
def test_what_no_key_has_sealed_is_refused(sealed: str) -> None:
    with pytest.raises(SealError):
        Seal([NEW]).open(sealed)


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        Seal(["short"])
