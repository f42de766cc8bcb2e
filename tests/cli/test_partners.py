import json
import subprocess
from collections.abc import Callable

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_partner_is_added_once_and_given_keys(nqpf: Run) -> None:
    done = nqpf("partners", "add", "博雅云创", "--contact", "王芳 <wang@example.org>")
    assert done.returncode == 0, done.stderr
    again = nqpf("partners", "add", "博雅云创")
    assert (again.returncode, again.stderr) == (1, "nqpf: there is a partner 博雅云创 already\n")
    made = json.loads(nqpf("partners", "key", "博雅云创", "--scope", "sync", "--days", "30", "--json").stdout)
    assert made["key"].startswith(f"nqpf_live_{made['prefix']}_")
    assert (made["scopes"], made["expires_at"] is None) == (["sync"], False)
    assert made["key"] not in nqpf("partners", "key", "博雅云创").stdout


def test_a_key_is_replaced_and_revoked_by_its_prefix(nqpf: Run) -> None:
    nqpf("partners", "add", "博雅云创")
    old = json.loads(nqpf("partners", "key", "博雅云创", "--json").stdout)["prefix"]
    new = json.loads(nqpf("partners", "key", "--replaces", old, "--json").stdout)["prefix"]
    assert new != old
    assert nqpf("partners", "revoke", old).returncode == 0
    refused = nqpf("partners", "key", "--replaces", old)
    assert (refused.returncode, "good no more" in refused.stderr) == (1, True)


def test_partners_are_listed_with_their_keys_and_never_with_the_secret(nqpf: Run) -> None:
    nqpf("partners", "add", "博雅云创", "--contact", "王芳 <wang@example.org>")
    made = json.loads(nqpf("partners", "key", "博雅云创", "--name", "网站", "--days", "9", "--json").stdout)
    nqpf("partners", "key", "博雅云创", "--scope", "read")
    (partner,) = json.loads(nqpf("partners", "list", "--json").stdout)
    assert (partner["name"], partner["plan"]) == ("博雅云创", "partner")
    assert partner["contacts"] == [{"name": "王芳", "email": "wang@example.org"}]
    first, second = partner["keys"]
    assert (first["prefix"], first["name"], first["last_used_at"]) == (made["prefix"], "网站", None)
    assert first["expires_at"][:10] == made["expires_at"][:10]
    assert (second["scopes"], second["expires_at"]) == (["read"], None)
    nqpf("partners", "revoke", made["prefix"])
    said = nqpf("partners", "list").stdout
    assert f"{made['prefix']}  read sync webhooks topics  never used, revoked  网站" in said
    assert made["key"] not in said


def test_what_does_not_exist_is_named(nqpf: Run) -> None:
    assert nqpf("partners", "key", "nobody").stderr == "nqpf: there is no partner nobody\n"
    assert nqpf("partners", "revoke", "aaaaaaaaaa").stderr == "nqpf: there is no key aaaaaaaaaa\n"
    assert nqpf("partners", "key", "nobody", "--replaces", "aaaaaaaaaa").returncode == 2
    assert nqpf("partners", "add", "x", "--contact", "no address").returncode == 2
