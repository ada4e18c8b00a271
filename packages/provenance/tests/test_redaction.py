"""No secret enters a record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from provenance.toolkit.redaction import is_secret_name, redact_args, redact_argv, redact_text

SECRET = "hunter2-correct-horse"


@pytest.mark.parametrize(
    "argv",
    [
        ["--password", SECRET],
        [f"--password={SECRET}"],
        ["--api-key", SECRET],
        ["--hf-token", SECRET],
        ["--hfToken", SECRET],
        [f"HF_TOKEN={SECRET}"],
        ["--env", f"AWS_SECRET_ACCESS_KEY={SECRET}"],
        [f"--scheduler=tcp://user:{SECRET}@host:8786"],
        ["--labels", f"https://{SECRET}@host/labels.csv"],
        ["--labels", f"https://host/labels.csv?x=1&access_token={SECRET}&y=2"],
        ["--labels", f"https://bucket/labels.csv?X-Amz-Signature={SECRET}"],
        ["--labels", f"https://host/l.csv#token={SECRET}"],
        ["--header", f"Authorization: Bearer {SECRET}"],
        ["--header", f"X-Api-Key: {SECRET}"],
        ["-p", SECRET],
        ["--pass", SECRET],
        [f"--pass={SECRET}"],
        ["--db-pass", SECRET],
        ["--key", SECRET],
        ["--token", f"--{SECRET}"],
        [f"PGPASSWORD={SECRET}"],
        [f"AccountName=me;AccountKey={SECRET}==;EndpointSuffix=x"],
        ["--creds", f"me:{SECRET}"],
        ["--user", f"me:{SECRET}"],
        [f"me:{SECRET}@host"],
        [f'{{"user": "me", "token": "{SECRET}"}}'],
        ["--out", f"folder/password={SECRET}.csv"],
        [f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----"],
    ],
)
def test_secrets_go(argv: list[str]):
    redacted = redact_argv(argv)
    assert len(redacted) == len(argv)
    assert SECRET not in " ".join(redacted)
    assert "[redacted]" in " ".join(redacted)


@pytest.mark.parametrize(
    "token",
    [
        "ghp_" + "a1B2" * 9,
        "hf_" + "abcdefghij" * 3,
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        "glpat-" + "x" * 20,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    ],
)
def test_tokens_of_known_forms_go_wherever_they_stand(token: str):
    assert token not in redact_text(f"see {token} there")


@pytest.mark.parametrize(
    "argv",
    [
        ["--key-normalize", "stem"],
        ["--feature-key-column", "clip"],
        ["--feature-key-regex", "(?P<token>\\d+)=x"],
        ["--token-column", "name"],
        ["--tokenizer", "bpe"],
        ["--pass-through", "x"],
        ["--labels", "dover=scores/dover.csv"],
        ["--labels", "https://host/labels.csv?x=1&y=2"],
        ["--author", "me@example.org"],
        ["--signature-columns", "a"],
        ["--password-file", "secret.txt"],
        ["--key-column", "clip"],
        ["--user", "me"],
        ["--labels", "C:\\data\\labels.csv"],
        ["--note", "one: two"],
        ["--single-pass-rate", "0.5"],
    ],
)
def test_what_is_no_secret_stays(argv: list[str]):
    assert redact_argv(argv) == argv


def test_options_and_nested_options():
    redacted = redact_args(
        {
            "api_token": SECRET,
            "labels": [f"https://u:{SECRET}@h/x"],
            "env": {"DB_PASSWORD": SECRET},
            "token": None,
            "secret": False,
            "n": 3,
        }
    )
    assert SECRET not in json.dumps(redacted)
    assert redacted["token"] is None
    assert redacted["secret"] is False
    assert redacted["n"] == 3


@given(st.lists(st.text(max_size=20), max_size=8))
def test_redaction_keeps_positions_and_settles(argv: list[str]):
    once = redact_argv(argv)
    assert len(once) == len(argv)
    assert redact_argv(once) == once


@given(st.from_regex(r"[a-z]{1,10}(-[a-z]{1,10}){0,2}", fullmatch=True))
def test_prefixed_secret_names_are_secret(name: str):
    assert is_secret_name(f"--{name}-token")
    assert is_secret_name(f"{name.replace('-', '_')}_password".upper())


def test_record_of_a_command_has_no_secret(folder: Path, join):
    done = join(
        "--features",
        "features.tbl",
        "--labels",
        "labels.csv",
        "--out",
        "out.tbl",
        "--api-token",
        SECRET,
        "--note",
        f"https://me:{SECRET}@host/",
    )
    assert done.returncode == 0, done.stderr
    raw = (folder / "out.tbl.audit.json").read_text() + (folder / "out.tbl").read_text()
    assert SECRET not in raw
    argv = json.loads((folder / "out.tbl.audit.json").read_text())["run_provenance"]["argv"]
    assert argv[argv.index("--api-token") + 1] == "[redacted]"


def test_details_of_a_bug_have_no_secret(folder: Path):
    import subprocess
    import sys

    start = [sys.executable, "-c", "import samplejoin; samplejoin.main()"]
    done = subprocess.run(
        [*start, "crash", "--api-token", SECRET], capture_output=True, text=True, check=False
    )
    assert done.returncode == 70
    assert done.stderr.count("\n") == 1
    details = Path(done.stderr.strip().removesuffix(".").split()[-1])
    assert "ZeroDivisionError" in details.read_text()
    assert SECRET not in details.read_text()
    details.unlink()
