"""Signed records: checked by an implementation of DSSE that shares no code with ours."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from provenance import MoskitError, sign, start_run, trace, verify
from provenance.cli.app import cli
from provenance.toolkit import InputError, VerdictError

STATEMENT = "application/vnd.in-toto+json"
ENVELOPE = Path("out.tbl.audit.json.intoto.jsonl")
ECDSA = ec.ECDSA(hashes.SHA256())


def private_key(kind: str) -> Any:
    return (
        Ed25519PrivateKey.generate()
        if kind == "ed25519"
        else ec.generate_private_key(ec.SECP256R1())
    )


def write_keys(name: str, key: Any, password: bytes | None = None) -> None:
    locked = pem.BestAvailableEncryption(password) if password else pem.NoEncryption()
    Path(f"{name}.pem").write_bytes(
        key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, locked)
    )
    Path(f"{name}.pub").write_bytes(
        key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
    )


def pre_authentication_encoding(kind: bytes, payload: bytes) -> bytes:
    """PAE as the DSSE specification defines it."""
    sizes = [str(len(part)).encode() for part in (kind, payload)]
    return b" ".join([b"DSSEv1", sizes[0], kind, sizes[1], payload])


@pytest.fixture(params=["ed25519", "p256"])
def key(request, folder: Path) -> Any:
    import samplejoin

    samplejoin.materialize("features.tbl", ["labels.csv"], "out.tbl")
    key = private_key(request.param)
    write_keys("mine", key)
    write_keys("other", private_key(request.param))
    return key


@pytest.fixture
def signed(key) -> Any:
    return sign("out.tbl", key="mine.pem").to_document()


def failed(*args: str) -> tuple[int, str | None]:
    """Exit code and error code of a command, run in this process: there are many."""
    with pytest.raises(MoskitError) as caught:
        cli.app(list(args), standalone_mode=False)
    return caught.value.exit_code, caught.value.code


def verify_fails(key: str) -> str | None:
    exit_code, code = failed("verify", "out.tbl", "--key", key, "--quiet")
    assert exit_code == 1
    return code


def test_another_implementation_accepts_the_signature(key, provenance):
    done = provenance("sign", "out.tbl", "--key", "mine.pem", "--json")
    assert done.returncode == 0, done.stderr
    signed = json.loads(done.stdout)
    envelope = json.loads(ENVELOPE.read_bytes())
    payload = base64.b64decode(envelope["payload"])
    [signature] = envelope["signatures"]
    message = pre_authentication_encoding(STATEMENT.encode(), payload)
    raw = base64.b64decode(signature["sig"])
    if isinstance(key, Ed25519PrivateKey):
        key.public_key().verify(raw, message)
    else:
        key.public_key().verify(raw, message, ECDSA)
    der = key.public_key().public_bytes(pem.Encoding.DER, pem.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(der)
    assert envelope["payloadType"] == STATEMENT
    assert signature["keyid"] == signed["keyid"] == digest.finalize().hex()
    subjects = {item["name"]: item["digest"]["sha256"] for item in json.loads(payload)["subject"]}
    assert subjects["out.tbl.audit.json"] == signed["record_sha256"]
    assert set(subjects) == {"out.tbl", "out.tbl.audit.json"}


def test_a_signature_of_another_implementation_is_accepted(key, signed, provenance):
    """Without a key id, in the URL-safe alphabet, indented: all of it is allowed."""
    payload = base64.b64decode(json.loads(ENVELOPE.read_bytes())["payload"])
    message = pre_authentication_encoding(STATEMENT.encode(), payload)
    raw = key.sign(message) if isinstance(key, Ed25519PrivateKey) else key.sign(message, ECDSA)
    envelope = {
        "payloadType": STATEMENT,
        "payload": base64.urlsafe_b64encode(payload).decode(),
        "signatures": [{"sig": base64.urlsafe_b64encode(raw).decode()}],
    }
    ENVELOPE.write_text(json.dumps(envelope, indent=1))
    done = provenance("verify", "out.tbl", "--key", "mine.pub", "--json")
    assert done.returncode == 0
    [record] = json.loads(done.stdout)["records"]
    assert record["signature"]["status"] == "verified"
    assert record["signature"]["signers"] == ["unknown"]


def test_what_is_forged_is_caught_with_a_code_of_its_own(signed, provenance):
    assert verify("out.tbl", keys=["mine.pub"]).ok
    envelope, record = ENVELOPE.read_bytes(), Path("out.tbl.audit.json").read_bytes()
    assert verify_fails("other.pub") == "signature.other-key"

    ENVELOPE.unlink()
    assert verify_fails("mine.pub") == "signature.missing"
    stripped = json.loads(envelope) | {"signatures": []}
    ENVELOPE.write_text(json.dumps(stripped))
    assert verify_fails("mine.pub") == "signature.missing"

    forged = json.loads(envelope)
    statement = json.loads(base64.b64decode(forged["payload"]))
    statement["predicate"]["buildDefinition"]["externalParameters"]["argv"] = ["forged"]
    forged["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    ENVELOPE.write_text(json.dumps(forged))
    assert verify_fails("mine.pub") == "signature.invalid"
    assert failed("trace", "out.tbl", "--key", "mine.pub", "--quiet") == (1, "trace.changed")
    ENVELOPE.write_bytes(envelope[:100])
    assert verify_fails("mine.pub") == "signature.invalid"

    ENVELOPE.write_bytes(envelope)
    with Path("out.tbl").open("ab") as stream:
        stream.write(b"swapped")
    assert verify_fails("mine.pub") == "signature.file-changed"

    # The forger makes another table, with a record that is right in itself.
    import samplejoin

    Path("labels.csv").write_text("clip,mos\n1,5\n")
    samplejoin.materialize("features.tbl", ["labels.csv"], "out.tbl")
    assert verify("out.tbl").ok
    done = provenance("verify", "out.tbl", "--key", "mine.pub", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["status"]) == (1, "failed")
    assert document["error"]["code"] == "signature.record-changed"
    assert document["records"][0]["signature"]["status"] == "other-record"
    Path("out.tbl.audit.json").write_bytes(record[: len(record) // 2])
    assert verify_fails("mine.pub") == "signature.record-changed"


def test_several_keys_sign_one_record(signed):
    again = sign("out.tbl", key="other.pem")
    assert again.signers == (signed["keyid"], again.keyid)
    assert sign("out.tbl", key="other.pem") == again
    for name in ("mine.pub", "other.pub"):
        assert verify("out.tbl", keys=[name]).ok


def test_every_link_of_a_chain_is_asked_for(signed):
    with start_run("job", inputs={"table": "out.tbl"}) as run:
        Path(run.stage("out", "next.tbl")).write_bytes(b"next")
    assert sign("next.tbl", key="other.pem").envelope.name == "next.tbl.audit.json.intoto.jsonl"
    both = ["mine.pub", "other.pub"]
    assert verify("next.tbl", keys=["other.pub"]).ok
    assert not verify("next.tbl", keys=["other.pub"], upstream=True).ok
    assert verify("next.tbl", keys=both, upstream=True).ok

    def signers(keys: list[str]) -> set[str]:
        runs = trace("next.tbl", keys=keys).to_document()["runs"]
        return {signer["status"] for run in runs for signer in run["signers"]}

    assert signers([]) == {"unchecked"}
    assert signers(["mine.pub"]) == {"unchecked", "verified"}
    assert signers(both) == {"verified"}


def test_trace_shows_the_keys_in_every_form(signed, capfdbinary):
    for form in ("tree", "mermaid", "html"):
        cli.app(["trace", "out.tbl", "--format", form, "--key", "mine.pub"], standalone_mode=False)
        shown = capfdbinary.readouterr().out.decode()
        assert f"signed by {signed['keyid'][:16]} (verified)" in shown


def test_an_envelope_elsewhere_is_found_by_digest(key, folder: Path):
    sign("out.tbl", key="mine.pem", out="safe/anything.intoto.jsonl")
    assert not verify("out.tbl", keys=["mine.pub"]).ok
    assert verify("out.tbl", keys=["mine.pub"], roots=["safe"]).ok


@pytest.mark.parametrize("key", ["ed25519"], indirect=True)
def test_what_is_no_such_key_is_said(key, monkeypatch):
    Path("text.pem").write_text("hello")
    large = ec.generate_private_key(ec.SECP384R1())
    write_keys("large", large)
    write_keys("locked", private_key("ed25519"), b"open sesame")
    for args, code in {
        ("sign", "text.pem"): "signature.not-a-private-key",
        ("sign", "mine.pub"): "signature.not-a-private-key",
        ("sign", "large.pem"): "signature.unknown-key-type",
        ("sign", "locked.pem"): "signature.not-a-private-key",
        ("sign", "/dev/zero"): "document.no-file",
        ("verify", "mine.pem"): "signature.not-a-public-key",
        ("trace", "nothing.pub"): "document.missing",
    }.items():
        assert failed(args[0], "out.tbl", "--key", args[1]) == (2, code)
    assert not ENVELOPE.exists()
    monkeypatch.setenv("PROVENANCE_KEY_PASSWORD", "open sesame")
    sign("out.tbl", key="locked.pem")
    sign("out.tbl", key="mine.pem")  # its file is not encrypted, and the password is not used


@pytest.mark.parametrize("key", ["ed25519"], indirect=True)
@pytest.mark.parametrize(
    "out", ["out.tbl", "out.tbl.audit.json", "labels.csv", "mine.pem", "other.pub"]
)
def test_no_file_is_replaced_by_an_envelope(key, out):
    before = Path(out).read_bytes()
    with pytest.raises(InputError):
        sign("out.tbl", key="mine.pem", out=out)
    assert Path(out).read_bytes() == before


@pytest.mark.parametrize("key", ["ed25519"], indirect=True)
def test_a_changed_record_is_not_signed(key):
    path = Path("out.tbl.audit.json")
    path.write_bytes(path.read_bytes().replace(b"samplejoin-v1", b"samplejoin-v2"))
    with pytest.raises(VerdictError, match="not what was written"):
        sign("out.tbl", key="mine.pem")


@pytest.mark.parametrize("key", ["ed25519"], indirect=True)
def test_a_report_without_outputs_is_signed_itself(key):
    import samplejoin

    with pytest.raises(VerdictError):
        samplejoin.materialize("features.tbl", ["labels.csv"], "no.tbl", fail=True)
    sign("no.tbl.audit.json", key="mine.pem")
    assert verify("no.tbl.audit.json", keys=["mine.pub"]).ok


@pytest.mark.parametrize("key", ["ed25519"], indirect=True)
def test_without_the_extra_its_name_is_said(key):
    script = (
        "import sys; sys.modules['securesystemslib'] = None; "
        "from provenance.cli.app import main; main()"
    )
    for args in (["sign", "--key", "mine.pem"], ["verify", "--key", "mine.pub"]):
        done = subprocess.run(
            [sys.executable, "-c", script, args[0], "out.tbl", *args[1:]],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert "moskit-provenance[sign]" in done.stderr
