"""What a batch does with each table of its manifest."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from provenance.toolkit import VerdictError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor
    from pathlib import Path


class BatchError(VerdictError):
    """Tables of a batch failed. Its ``document`` is the report."""


@dataclass(frozen=True)
class ManifestTable:
    """One table of a manifest.

    Attributes:
        id: Its name in the report.
        members: Its members as written, paths too, with the manifest's defaults.
        paths: The members that are paths, resolved from the base folder; lists stay lists.
    """

    id: str
    members: Mapping[str, Any]
    paths: Mapping[str, Any]

    @property
    def options(self) -> dict[str, Any]:
        """The members that are neither paths nor the name."""
        return {
            name: value
            for name, value in self.members.items()
            if name != "id" and name not in self.paths
        }


def resolve_path(path: str, base: Path) -> str:
    """``path`` from ``base``, as an absolute path: workers start in folders of their own."""
    return os.path.abspath(base / path)  # noqa: PTH100 - resolve() would follow links


@dataclass(frozen=True)
class ReportColumn:
    """A column of the report for people.

    Attributes:
        title: Its heading.
        member: The member of a table's audit that it shows.
        kind: How: a count, a share, or text.
    """

    title: str
    member: str
    kind: Literal["count", "share", "text"] = "count"


@dataclass(frozen=True)
class BatchJob:
    """What a batch does with each table of its manifest; it pickles.

    Attributes:
        entrypoint: The command, e.g. ``labeljoin batch``.
        distribution: The distribution that it belongs to.
        module: The module whose source the record digests.
        title: The heading of the report for people.
        manifest_schema: Schema id of the manifest.
        report_schema: Schema id of the report.
        input_schemas: JSON Schemas of a table's members that are input paths, by name, its
            feature table apart.
        option_schemas: JSON Schemas of its options, by name, ``in_place`` apart.
        required: The inputs that a table must have.
        either: Members of which a table must have one.
        columns: What the report shows of each table's audit; it also goes into its ``summary``.
        totals: Members of the audits that the report adds up.
        run: Works on one table, from its path members resolved and the table itself, and returns
            its audit; a module-level function.
        check: Raises an InputError where a table's options cannot be right.
        inputs: The files that a table reads, its feature table first.
        resolve: A path of the manifest from the base folder.
    """

    entrypoint: str
    distribution: str
    module: str
    title: str
    manifest_schema: str
    report_schema: str
    input_schemas: Mapping[str, Mapping[str, Any]]
    option_schemas: Mapping[str, Mapping[str, Any]]
    columns: Sequence[ReportColumn]
    totals: Sequence[str]
    run: Callable[[ManifestTable, Executor | None], Mapping[str, Any]]
    check: Callable[[ManifestTable], None]
    inputs: Callable[[ManifestTable], Sequence[str]]
    resolve: Callable[[str, Path], str] = resolve_path
    required: Sequence[str] = ()
    either: Sequence[str] = ()

    @property
    def path_schemas(self) -> dict[str, Mapping[str, Any]]:
        """JSON Schemas of a table's members that are paths, by name."""
        path = {"type": "string", "minLength": 1}
        return {
            "features": {**path, "description": "Feature table, or directory of parts."},
            **self.input_schemas,
            "out": {**path, "description": "The table to write."},
            "audit_json": {
                "type": ["string", "null"],
                "minLength": 1,
                "description": "The table's audit; <out>.audit.json by default.",
            },
        }

    def outputs(self, table: ManifestTable) -> tuple[str, str]:
        """The table that is written, and its audit."""
        out = table.paths["out"]
        return out, table.paths["audit_json"] or f"{out}.audit.json"
