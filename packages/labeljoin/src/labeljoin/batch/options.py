"""Options declared as a dataclass, as members of a manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, get_args, get_type_hints

import msgspec


@dataclass(frozen=True)
class Declared:
    """One option of a dataclass whose fields are ``Annotated[type, msgspec.Meta(...)]``.

    Attributes:
        name: The name of the field.
        kind: Its type, with its constraints.
        default: Its default.
        description: What it does.
        extra: What its ``Meta`` says in ``extra``.
    """

    name: str
    kind: Any
    default: Any
    description: str
    extra: Mapping[str, Any] = field(default_factory=dict)


def declared(options: type) -> Iterator[Declared]:
    """Yield the options that a dataclass declares.

    Examples:
        >>> from labeljoin import JoinOptions
        >>> next(declared(JoinOptions)).name
        'key_column'
    """
    hints = get_type_hints(options, include_extras=True)
    for each in fields(options):
        kind = hints[each.name]
        meta = next((m for m in get_args(kind)[1:] if isinstance(m, msgspec.Meta)), msgspec.Meta())
        yield Declared(each.name, kind, each.default, meta.description or "", meta.extra or {})


def option_schemas(options: type) -> dict[str, dict[str, Any]]:
    """Return the JSON Schemas of the options of a dataclass, by name, other names included.

    Examples:
        >>> from labeljoin import JoinOptions
        >>> option_schemas(JoinOptions)["ignore_case"]["type"]
        'boolean'
    """
    found = {}
    for option in declared(options):
        schema = _plain(msgspec.json.schema(option.kind))
        if option.extra.get("listed"):
            text = {name: value for name, value in schema.items() if name != "description"}
            schema = {"anyOf": [text, {"type": "array", "items": text}]}
            schema["description"] = option.description
        found[option.name] = schema
        for name in option.extra.get("names", ()):
            found[name] = {**schema, "description": f"Another name of {option.name}."}
    return found


def options_from(options: type, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a manifest's table that are options of a dataclass, as it takes them.

    Other names become the option's own. A list becomes text separated by commas for an option
    that is such a text on the command line.

    Examples:
        >>> from labeljoin import JoinOptions
        >>> options_from(JoinOptions, {"feature_key_column": "clip", "extras": ["a", "b"]})
        {'key_column': 'clip', 'extras': 'a,b'}
    """
    found = {}
    for option in declared(options):
        for name in (option.name, *option.extra.get("names", ())):
            if name in members:
                value = members[name]
                joined = option.extra.get("listed") and isinstance(value, list)
                found[option.name] = ",".join(value) if joined else value
    return found


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Write ``anyOf`` of a type or values and null as one list of them, as people would."""
    either = schema.get("anyOf", [])
    if len(either) == 2 and {"type": "null"} in either:
        [one] = [each for each in either if each != {"type": "null"}]
        rest = {name: value for name, value in schema.items() if name != "anyOf"}
        if "enum" in one:
            return {**one, "enum": [*one["enum"], None], **rest}
        return {**one, "type": [one["type"], "null"], **rest}
    return schema
