"""Secrets never enter a record: passwords, tokens and keys in options, assignments and URLs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

REDACTED = "[redacted]"
"""What stands in a record where a secret stood."""

# The last word of a name decides: `--hf-token` holds a secret, `--token-column` names a column.
# Variables such as PGPASSWORD and HFTOKEN run the words together.
_SECRET_NAME = re.compile(
    r"(?:password|passwd|passphrase|secret|token)$|"
    r"(?:^|[-_.])(?:pass|passcode|pwd|secrets|credential|credentials|cred|creds|auth|"
    r"authorization|bearer|cookie|signature|sig|sas|"
    r"(?:api|access|private|secret|account|auth|encryption|signing|ssh|storage|shared)[-_.]?key)$",
    re.IGNORECASE,
)
_SECRET_FLAGS = frozenset({"-p", "--key"})
"""Flags with a secret whose names mean something else elsewhere."""
_USER_FLAG = re.compile(r"^(?:-u|--(?:[\w-]+-)?(?:user|username|login))$", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# Forms that are secrets whatever they are called.
_SECRET_TEXT = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_[A-Za-z0-9]{20,}"
    r"|sk-[\w-]{20,}|xox[abprs]-[\w-]{10,}|A[KS]IA[0-9A-Z]{16}|AIza[\w-]{30,}"
    r"|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}|dckr_pat_[\w-]{20,}"
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)"
)
_PEM = re.compile(
    r"-----BEGIN (?P<kind>[A-Z ]*PRIVATE KEY)-----.*?(?:-----END (?P=kind)-----|$)", re.DOTALL
)
_AUTH_SCHEME = re.compile(r"\b((?:Bearer|Basic|Token)\s+)[\w.~+/=-]{8,}")
_HEADER = re.compile(r"^(?P<head>(?P<name>[A-Za-z][\w-]+):\s*)(?P<value>\S.*)$", re.DOTALL)
_JSON_MEMBER = re.compile(r'(?P<head>"(?P<name>[^"\\]{1,80})"\s*:\s*)"(?:[^"\\]|\\.)*"')
_URL_USER = re.compile(r"(?P<head>\b[a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s?#@]+(?:@[^/\s?#@]+)*@")
_USER_AT_HOST = re.compile(r"(?<![\w/:])[\w.+-]+:[^\s/@:\[\]]+@(?=[A-Za-z0-9])")
_URL = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s]+")
_PARAMETER = re.compile(r"(?P<mark>[?&;#])(?P<name>[^=&;#\s]+)=(?P<value>[^&;#\s]*)")
_PART = re.compile(r"(?P<mark>^|[;/\\\s])(?P<name>[A-Za-z_][\w.-]*)=(?P<value>[^;\s]+)")
_ASSIGNMENT = re.compile(r"^(?P<name>-{0,2}[A-Za-z_][\w.-]*)=(?P<value>.+)$", re.DOTALL)


def is_secret_name(name: str) -> bool:
    """Return whether an option, variable or parameter of this name holds a secret."""
    words = _CAMEL.sub("_", name.strip("-"))
    return _SECRET_NAME.search(words) is not None


def redact_text(value: str) -> str:
    """Return ``value`` without the secrets in it.

    These are the credentials of URLs, parameters, headers, JSON members and connection strings
    whose names say that they are secret, private keys, and tokens of well-known forms.

    >>> redact_text("https://host/labels.csv?x=1&access_token=abc")
    'https://host/labels.csv?x=1&access_token=[redacted]'
    """
    value = _PEM.sub(REDACTED, value)
    value = _URL_USER.sub(rf"\g<head>{REDACTED}@", value)
    value = _USER_AT_HOST.sub(f"{REDACTED}@", value)
    value = _URL.sub(lambda url: _PARAMETER.sub(_redact_parameter, url.group()), value)
    value = _PART.sub(_redact_part, value)
    value = _JSON_MEMBER.sub(_redact_member, value)
    value = _HEADER.sub(_redact_header, value)
    value = _AUTH_SCHEME.sub(rf"\g<1>{REDACTED}", value)
    return _SECRET_TEXT.sub(REDACTED, value)


def _redact_parameter(found: re.Match[str]) -> str:
    if found["name"] != "key" and not is_secret_name(found["name"]):
        return found.group()
    return f"{found['mark']}{found['name']}={REDACTED}"


def _redact_part(found: re.Match[str]) -> str:
    if not is_secret_name(found["name"]):
        return found.group()
    return f"{found['mark']}{found['name']}={REDACTED}"


def _redact_member(found: re.Match[str]) -> str:
    return f'{found["head"]}"{REDACTED}"' if is_secret_name(found["name"]) else found.group()


def _redact_header(found: re.Match[str]) -> str:
    return f"{found['head']}{REDACTED}" if is_secret_name(found["name"]) else found.group()


def redact_argv(argv: Sequence[str]) -> list[str]:
    """Return ``argv`` without secrets.

    The value of an option with a secret's name is removed, whether it follows after a blank or
    ``=``, and so is that of an assignment (``HF_TOKEN=...``); the rest goes through
    :func:`redact_text`.

    >>> redact_argv(["--api-key", "abc", "--labels", "labels.csv"])
    ['--api-key', '[redacted]', '--labels', 'labels.csv']
    """
    redacted: list[str] = []
    value_is_secret = value_is_user = False
    for token in argv:
        if value_is_secret:
            redacted.append(REDACTED)
            value_is_secret = False
            continue
        if value_is_user and ":" in token:
            redacted.append(f"{token.partition(':')[0]}:{REDACTED}")
            value_is_user = False
            continue
        assignment = _ASSIGNMENT.match(token)
        if assignment and is_secret_flag(assignment["name"]):
            redacted.append(f"{assignment['name']}={REDACTED}")
            value_is_user = False
            continue
        is_flag = token.startswith("-") and "=" not in token
        value_is_secret = is_flag and is_secret_flag(token)
        value_is_user = _USER_FLAG.match(token) is not None
        redacted.append(redact_text(token))
    return redacted


def is_secret_flag(name: str) -> bool:
    """Return whether the value of a flag or variable of this name is a secret."""
    return name in _SECRET_FLAGS or is_secret_name(name)


def redact_args(value: Any, name: str = "") -> Any:
    """Normalised options without secrets: members with a secret's name, and secrets in text."""
    if isinstance(value, Mapping):
        return {key: redact_args(member, str(key)) for key, member in value.items()}
    if value is not None and not isinstance(value, bool) and is_secret_name(name):
        return REDACTED
    if isinstance(value, str):
        assignment = _ASSIGNMENT.match(value)
        if assignment and is_secret_name(assignment["name"]):
            return f"{assignment['name']}={REDACTED}"
        return redact_text(value)
    if isinstance(value, list | tuple):
        return [redact_args(member, name) for member in value]
    return value
