"""JSON objects as text: their members by position, so that the rest of the text stays as it is."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any

from labeljoin.formats.encoding import is_unicode

if TYPE_CHECKING:
    from collections.abc import Collection

DECODER = json.JSONDecoder()
BLANKS = b" \t\r\n"
"""JSON's white space. Other blanks, such as a form feed, are no JSON."""

_BLANKS = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object: its name, its decoded value, and where they stand in the text.

    ``start`` is where the name begins, ``value_start`` and ``end`` bound the value.
    """

    name: str
    value: Any
    start: int
    value_start: int
    end: int


def fault(error: ValueError | RecursionError, otherwise: str = "is not JSON") -> str:
    """Say what is wrong with a text that the decoder refused.

    Args:
        error: What it raised.
        otherwise: What to say of text that has the wrong shape.
    """
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if "int_max_str_digits" in str(error):
        return "has an integer of too many digits"
    return f"{otherwise} ({error})"


def skip_blanks(text: str, position: int) -> int:
    """The position of the first character from ``position`` that is no JSON white space."""
    match = _BLANKS.match(text, position)
    assert match is not None
    return match.end()


def members(text: str, start: int = 0) -> tuple[list[Member], int]:
    """The members of the object that begins at ``start``, and the position of its last brace.

    Raises:
        ValueError: There is no JSON object.
    """
    if text[start : start + 1] != "{":
        raise json.JSONDecodeError("Expecting an object", text, start)
    found: list[Member] = []
    position = skip_blanks(text, start + 1)
    if text[position : position + 1] == "}":
        return found, position
    while True:
        if text[position : position + 1] != '"':
            raise json.JSONDecodeError("Expecting a member name", text, position)
        name, colon = scanstring(text, position + 1, True)
        colon = skip_blanks(text, colon)
        if text[colon : colon + 1] != ":":
            raise json.JSONDecodeError("Expecting ':'", text, colon)
        value_start = skip_blanks(text, colon + 1)
        value, end = DECODER.raw_decode(text, value_start)
        found.append(Member(name, value, position, value_start, end))
        position = skip_blanks(text, end)
        if text[position : position + 1] == "}":
            return found, position
        if text[position : position + 1] != ",":
            raise json.JSONDecodeError("Expecting ',' or '}'", text, position)
        position = skip_blanks(text, position + 1)


def without(
    text: str, found: list[Member], brace: int, names: Collection[str]
) -> tuple[str, int, bool]:
    """``text`` without the members in ``names``.

    Args:
        text: The text that :func:`members` was given.
        found: Its members.
        brace: The position of the object's last brace.
        names: Members to leave out.

    Returns:
        The text, the position of the last brace in it, and whether any member is left.
    """
    kept = [member for member in found if member.name not in names]
    if len(kept) == len(found):
        return text, brace, bool(kept)
    pieces = [text[: found[0].start]]
    for number, member in enumerate(kept):
        if number:
            previous = kept[number - 1]
            following = found[found.index(previous) + 1]
            pieces.append(text[previous.end : following.start])
        pieces.append(text[member.start : member.end])
    if kept:
        pieces.append(text[found[-1].end : brace])
    head = "".join(pieces)
    return head + text[brace:], len(head), bool(kept)


def key_text(text: str, member: Member | None) -> str | None:
    """The value of a key member as text: strings decoded, numbers exactly as written.

    Raises:
        ValueError: The value is an object, a list, or text that is not valid Unicode.
    """
    if member is None or member.value is None:
        return None
    if isinstance(member.value, str):
        if not is_unicode(member.value):
            raise ValueError("the key is not valid Unicode")
        return member.value
    if isinstance(member.value, (dict, list)):
        raise ValueError("the key is an object or a list")
    return text[member.value_start : member.end]
