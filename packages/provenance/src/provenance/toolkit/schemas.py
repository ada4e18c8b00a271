"""JSON Schemas of typed documents, as they are published in ``docs/schemas``."""

from __future__ import annotations

import inspect
from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def published_schema(identifier: str, document: Any, title: str) -> dict[str, Any]:
    """Return the JSON Schema of a document type, ready to publish.

    The description is the type's docstring. Objects with named members are closed: a validator
    reports members that the type does not define.

    Args:
        identifier: The document's schema id, such as ``signal-mix-audit-v1``.
        document: The document's type: a ``TypedDict``, a ``msgspec.Struct`` or a dataclass. The
            package that defines it depends on msgspec.
        title: The schema's title.

    Example:
        >>> from typing import TypedDict
        >>> class Answer(TypedDict):
        ...     '''An answer.'''
        ...
        ...     value: int
        >>> schema = published_schema("answer-v1", Answer, "Answer")
        >>> schema["$id"], schema["properties"]
        ('answer-v1.json', {'value': {'type': 'integer'}})
    """
    import msgspec

    (reference,), components = msgspec.json.schema_components(
        [document], ref_template="#/$defs/{name}"
    )
    definitions = {name: _closed(components[name]) for name in sorted(components)}
    root = definitions.pop(reference["$ref"].rpartition("/")[2])
    description = root.pop("description", "")
    return {
        "$schema": DIALECT,
        "$id": f"{identifier}.json",
        "title": title,
        "description": description,
        **root,
        **({"$defs": definitions} if definitions else {}),
    }


def _closed(definition: dict[str, Any]) -> dict[str, Any]:
    closed = {name: value for name, value in definition.items() if name != "title"}
    if "description" in closed:
        closed["description"] = " ".join(inspect.cleandoc(closed["description"]).split())
    if "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed
