"""Families: questions about quality, and the columns that can answer them.

The thirteen families and the names that are never signals are data (``families.toml``, after
ADR-0650). A file with the same layout extends them.
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.toolkit import InputError, read_document

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from signalaudit.documents import FamilyDocument, Need

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_WORD = re.compile(r"[^0-9a-z]+")
_FAMILY_KEYS = {"key", "name", "question", "needs", "context", "priority", "patterns"} | {
    "candidates",
    "recommendation",
}


@dataclass(frozen=True)
class Family:
    """One question about quality.

    Attributes:
        key: The family's key in JSON, e.g. ``no_reference_ugc``.
        name: Its name for people.
        question: The question that its columns answer.
        patterns: Regular expressions that must match whole words of a column's name.
        candidates: Metrics that would cover it.
        recommendation: What to do if it is missing or weak.
        needs: What measuring it requires: ``reference``, ``hdr``, ``encode`` or nothing.
        context: Whether it describes clips and does not measure their quality.
        priority: Its place among families that the data does not rank; 1 comes first.
    """

    key: str
    name: str
    question: str
    patterns: tuple[str, ...]
    candidates: tuple[str, ...] = ()
    recommendation: str = ""
    needs: Need = ""
    context: bool = False
    priority: int = 5

    @functools.cached_property
    def _expression(self) -> re.Pattern[str]:
        return _words(self.patterns)

    def matches(self, column: str) -> bool:
        """Return whether the column's name has words of this family."""
        return any(self._expression.search(name) for name in _spellings(column))

    def to_dict(self) -> FamilyDocument:
        """Return the family as the audit JSON lists it, without its patterns."""
        return {
            "key": self.key,
            "name": self.name,
            "question": self.question,
            "needs": self.needs,
            "context": self.context,
            "candidates": list(self.candidates),
            "recommendation": self.recommendation,
        }


@dataclass(frozen=True)
class Exclusion:
    """Names that are never signals, and why."""

    reason: str
    patterns: tuple[str, ...]

    @functools.cached_property
    def _expression(self) -> re.Pattern[str]:
        return _whole(self.patterns)

    def matches(self, column: str) -> bool:
        """Return whether the column's whole name is one of these."""
        return any(self._expression.search(name) for name in _spellings(column))


@dataclass(frozen=True)
class FamilySet:
    """All families of an audit, with the names that are never signals."""

    families: tuple[Family, ...]
    exclusions: tuple[Exclusion, ...]

    def keys_for(self, column: str) -> list[str]:
        """Return the keys of the column's families, in the set's order. Several are normal."""
        return [family.key for family in self.families if family.matches(column)]

    def why_excluded(self, column: str) -> str | None:
        """Return why the column is not a signal, or None if it can be one."""
        return next((each.reason for each in self.exclusions if each.matches(column)), None)

    def __getitem__(self, key: str) -> Family:
        return next(family for family in self.families if family.key == key)


def load_families(extension: os.PathLike[str] | str | None = None) -> FamilySet:
    """Load the thirteen families of ADR-0650, and those of a file if you give one.

    Args:
        extension: A TOML file with ``[[family]]`` and ``[[excluded]]`` tables of the
            layout of ``families.toml``. A family with a built-in key adds its patterns and
            candidates and replaces the other members that it gives. Any other key is a new
            family, which needs ``name``, ``question`` and ``patterns``.

    Raises:
        InputError: The file is unreadable, is not TOML, or a member is missing, unknown or has
            the wrong type, or a pattern is not a regular expression.

    Example:
        >>> families = load_families()
        >>> len(families.families), families.keys_for("float_ssim")
        (13, ['structural_similarity'])
    """
    built_in = tomllib.loads(
        files("signalaudit.tables").joinpath("families.toml").read_text(encoding="utf-8")
    )
    whole = _parse(built_in, FamilySet((), ()), "families.toml")
    if extension is None:
        return whole
    path = Path(extension)
    try:
        document = tomllib.loads(read_document(path, "The families file").decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"The families file is not TOML ({error})",
            where=str(path),
            fix="Correct the file",
            code="families.not-toml",
        ) from error
    return _parse(document, whole, str(path))


def _parse(document: dict[str, Any], base: FamilySet, where: str) -> FamilySet:
    unknown = sorted(set(document) - {"family", "excluded"})
    if unknown:
        raise InputError(
            f"A families file cannot have the table [{unknown[0]}]",
            where=where,
            fix="Use [[family]] and [[excluded]]",
            code="families.unknown-table",
        )
    families = {family.key: family for family in base.families}
    for entry in _entries(document, "family", where):
        family = _family(entry, families.get(str(entry.get("key"))), where)
        families[family.key] = family
    exclusions = [
        Exclusion(
            str(entry.get("reason", "excluded by the families file")), _patterns(entry, where)
        )
        for entry in _entries(document, "excluded", where)
    ]
    return FamilySet(tuple(families.values()), (*exclusions, *base.exclusions))


def _family(entry: dict[str, Any], known: Family | None, where: str) -> Family:
    key = entry.get("key")
    if not isinstance(key, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", key):
        raise InputError(
            f"A [[family]] has the key {key!r}",
            where=where,
            fix="Give each family a key of lower-case letters, digits and underscores",
            code="families.key",
        )
    unknown = sorted(set(entry) - _FAMILY_KEYS)
    if unknown:
        raise InputError(
            f"The family {key} has an unknown member {unknown[0]}",
            where=where,
            fix=f"Use {', '.join(sorted(_FAMILY_KEYS))}",
            code="families.unknown-member",
        )
    needs, priority = entry.get("needs", ""), entry.get("priority", 5)
    if needs not in ("reference", "hdr", "encode", "") or not isinstance(priority, int):
        raise InputError(
            f"The family {key} has needs = {needs!r} and priority = {priority!r}",
            where=where,
            fix='Set needs to "reference", "hdr", "encode" or "", and priority to a whole number',
            code="families.needs",
        )
    for member in ("name", "question", "recommendation"):
        if not isinstance(entry.get(member, ""), str):
            raise InputError(
                f"{member} of the family {key} is not text",
                where=where,
                fix="Put it in quotes",
                code="families.text",
            )
    if not isinstance(entry.get("context", False), bool):
        raise InputError(
            f"context of the family {key} is neither true nor false",
            where=where,
            fix="Set it to true or false",
            code="families.context",
        )
    candidates = _texts(entry, "candidates", where)
    if known is None:
        missing = [member for member in ("name", "question", "patterns") if member not in entry]
        if missing:
            raise InputError(
                f"The new family {key} lacks {', '.join(missing)}",
                where=where,
                fix="Add the missing members",
                code="families.missing-member",
            )
        return Family(
            key=key,
            name=entry["name"],
            question=entry["question"],
            patterns=_patterns(entry, where),
            candidates=candidates,
            recommendation=entry.get("recommendation", ""),
            needs=needs,
            context=entry.get("context", False),
            priority=priority,
        )
    plain = {
        m: entry[m]
        for m in ("name", "question", "recommendation", "needs", "context", "priority")
        if m in entry
    }
    added = _patterns(entry, where) if "patterns" in entry else ()
    return replace(
        known,
        patterns=(*known.patterns, *added),
        candidates=(*known.candidates, *candidates),
        **plain,
    )


def _entries(document: dict[str, Any], table: str, where: str) -> list[dict[str, Any]]:
    entries = document.get(table, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(
            f"{table} is not a list of tables",
            where=where,
            fix=f"Write [[{table}]]",
            code="families.not-a-list",
        )
    return entries


def _patterns(entry: dict[str, Any], where: str) -> tuple[str, ...]:
    patterns = _texts(entry, "patterns", where)
    if not patterns:
        raise InputError(
            "An entry has no patterns",
            where=where,
            fix="Add patterns = [ ... ]",
            code="families.no-patterns",
        )
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise InputError(
                f"The pattern {pattern!r} is not a regular expression ({error})",
                where=where,
                fix="Correct it. In TOML, put regular expressions in single quotes",
                code="families.regex",
            ) from error
    return patterns


def _texts(entry: dict[str, Any], member: str, where: str) -> tuple[str, ...]:
    value = entry.get(member, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InputError(
            f"{member} is not a list of texts",
            where=where,
            fix="Write [ '...' ]",
            code="families.text-list",
        )
    return tuple(value)


@functools.lru_cache(maxsize=65536)
def _spellings(column: str) -> tuple[str, ...]:
    """Return the name as lower-case words joined by ``_``, with and without CamelCase split."""
    plain = _NOT_WORD.sub("_", column.lower()).strip("_")
    camel = _NOT_WORD.sub("_", _CAMEL.sub("_", column).lower()).strip("_")
    return (plain,) if plain == camel else (plain, camel)


def _words(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("(?:^|_)(?:" + "|".join(f"(?:{each})" for each in patterns) + ")(?:_|$)")


def _whole(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("^(?:" + "|".join(f"(?:{each})" for each in patterns) + ")$")
