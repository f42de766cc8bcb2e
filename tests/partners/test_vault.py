import pytest

from app.kit.sealing import new_key
from app.partners.vault import Vault, VaultError

OLD, NEW = new_key(), new_key()


def test_a_sealed_secret_is_opened_by_its_key_only() -> None:
    sealed = Vault([OLD]).seal("whsec_abc")
    assert "whsec_abc" not in sealed
    assert Vault([NEW, OLD]).open(sealed) == "whsec_abc"
    for vault in (Vault([NEW]), Vault()):
        with pytest.raises(VaultError):
            vault.open(sealed)


def test_what_was_kept_before_a_key_was_set_can_still_be_read() -> None:
    assert Vault([NEW]).open(Vault().seal("whsec_abc")) == "whsec_abc"
