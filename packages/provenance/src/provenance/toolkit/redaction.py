"""Secrets never enter a record: passwords, tokens and keys in options, assignments and URLs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

REDACTED = "[redacted]"
"""What stands in a record where a secret stood."""

# The last word of a name decides: `--hf-token` holds a secret, `--token-column` names a column.
_SECRET_NAME = re.compile(
    r"(?:^|[-_.])(?:password|passwd|passphrase|passcode|pwd|secret|secrets|token|credential|"
    r"credentials|auth|authorization|bearer|cookie|signature|sig|sas|"
    r"(?:api|access|private|secret|account|auth|encryption|signing|ssh|storage|shared)[-_.]?key|"
    r"(?:api|access|auth|bearer|secret)token)$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# Forms that are secrets whatever they are called.
_SECRET_TEXT = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_[A-Za-z0-9]{20,}"
    r"|sk-[\w-]{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|npm_[A-Za-z0-9]{30,}"
    r"|pypi-[\w-]{30,}|dckr_pat_[\w-]{20,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)"
)
_AUTH_SCHEME = re.compile(r"\b((?:Bearer|Basic|Token)\s+)[\w.~+/=-]{8,}")
_URL_USER = re.compile(r"(?P<head>\b[a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s?#@]+(?:@[^/\s?#@]+)*@")
_URL = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s]+")
_PARAMETER = re.compile(r"(?P<mark>[?&;#])(?P<name>[^=&;#\s]+)=(?P<value>[^&;#\s]*)")
_ASSIGNMENT = re.compile(r"^(?P<name>-{0,2}[A-Za-z_][\w.-]*)=(?P<value>.+)$", re.DOTALL)


def is_secret_name(name: str) -> bool:
    """Whether an option, variable or parameter of this name holds a secret."""
    words = _CAMEL.sub("_", name.strip("-"))
    return _SECRET_NAME.search(words) is not None


def redact_text(value: str) -> str:
    """``value`` without the credentials of URLs and without tokens of well-known forms."""
    value = _URL_USER.sub(rf"\g<head>{REDACTED}@", value)
    value = _URL.sub(lambda url: _PARAMETER.sub(_redact_parameter, url.group()), value)
    value = _AUTH_SCHEME.sub(rf"\g<1>{REDACTED}", value)
    return _SECRET_TEXT.sub(REDACTED, value)


def _redact_parameter(found: re.Match[str]) -> str:
    if found["name"] != "key" and not is_secret_name(found["name"]):
        return found.group()
    return f"{found['mark']}{found['name']}={REDACTED}"


def redact_argv(argv: Sequence[str]) -> list[str]:
    """``argv`` without secrets.

    The value of an option with a secret's name goes, whether it follows after a blank or ``=``, as
    does that of an assignment (``HF_TOKEN=...``); in what is left, :func:`redact_text`.
    """
    redacted: list[str] = []
    value_is_secret = False
    for token in argv:
        if value_is_secret and not token.startswith("--"):
            redacted.append(REDACTED)
            value_is_secret = False
            continue
        assignment = _ASSIGNMENT.match(token)
        if assignment and is_secret_name(assignment["name"]):
            redacted.append(f"{assignment['name']}={REDACTED}")
            value_is_secret = False
            continue
        value_is_secret = token.startswith("-") and "=" not in token and is_secret_name(token)
        redacted.append(redact_text(token))
    return redacted


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
