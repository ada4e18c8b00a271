"""The documents of provenance, typed: the record, its short form, and the outcomes of its checks.

These definitions are the only ones. The code that builds a document is checked against them, and
:func:`schemas` makes the published JSON Schemas from them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from provenance.toolkit.schemas import published_schema

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Bytes = Annotated[int, Meta(ge=0)]
Base64 = Annotated[
    str,
    Meta(
        description="The path's exact bytes, if they are not UTF-8.",
        extra_json_schema={"contentEncoding": "base64"},
    ),
]
WrittenPath = Annotated[
    str,
    Meta(
        description="Relative to the record's folder if it lies in or below it, else absolute; / "
        "separates. Bytes that are not UTF-8 are written \\xNN.",
        min_length=1,
    ),
]
SourcePath = Annotated[
    str | None, Meta(description="A module's path in its distribution, or a script's path.")
]
Verdict = Literal["ok", "failed"]


class PrefixDocument(TypedDict):
    """The file begins with the first bytes of an input's file."""

    input: Annotated[str, Meta(description="The input's name.")]
    path: WrittenPath
    path_base64: NotRequired[Base64]
    sha256: Annotated[Sha256 | None, Meta(description="Of those bytes, if it was taken.")]
    bytes: Bytes


class PartDocument(TypedDict):
    """A file of a directory; its path is relative to the directory."""

    path: WrittenPath
    path_base64: NotRequired[Base64]
    sha256: Sha256
    bytes: Bytes
    prefix: NotRequired[PrefixDocument]


class EntryDocument(TypedDict):
    """An input or output of a run."""

    path: WrittenPath
    path_base64: NotRequired[Base64]
    kind: Literal["file", "directory"]
    sha256: Annotated[
        Sha256,
        Meta(
            description="Of a file: its bytes. Of a directory: the text that sha256sum prints for "
            "its files in the order of their relative paths."
        ),
    ]
    bytes: Bytes
    role: NotRequired[
        Annotated[str, Meta(description="What an output is to its reader, e.g. feature-table.")]
    ]
    files: NotRequired[list[PartDocument]]
    prefix: NotRequired[PrefixDocument]


class ModuleDocument(TypedDict):
    """The source of a module, and the distribution that it belongs to."""

    path: SourcePath
    sha256: Sha256 | None
    distribution: str | None
    version: str | None


class EntrypointDocument(ModuleDocument):
    """What ran."""

    name: Annotated[str, Meta(description="The command, or the script's file name.")]


SlotDocument = EntryDocument | list[EntryDocument] | None
Slots = Annotated[
    dict[str, SlotDocument],
    Meta(
        description="Entries by the option's name in snake_case. Lists stay lists; null is an "
        "absent optional, or an output that failed its policy."
    ),
]


class BlockDocument(TypedDict):
    """The run_provenance block of a document.

    What ran, with which arguments, on which inputs, to which outputs. Deterministic: no clock, no
    host name.
    """

    schema: Literal["ai-run-provenance-v1"]
    entrypoint: EntrypointDocument
    shared_trainer: NotRequired[
        Annotated[ModuleDocument, Meta(description="The module that the command delegated to.")]
    ]
    argv: Annotated[
        list[str],
        Meta(description="Command-line arguments, secrets redacted; empty for a library call."),
    ]
    argv_base64: NotRequired[
        Annotated[
            dict[str, str],
            Meta(
                description="The exact bytes of those arguments that are not UTF-8, by their "
                "position.",
                extra_json_schema={"propertyNames": {"pattern": "^[0-9]+$"}},
            ),
        ]
    ]
    args: Annotated[
        dict[str, Any],
        Meta(
            description="Normalised options by snake_case name, paths as given, secrets redacted."
        ),
    ]
    inputs: Slots
    outputs: Slots


class ShortDocument(TypedDict):
    """What a parquet file or an ONNX model carries under moskit.run_provenance.

    What made its content, without anything that depends on the place. It is in the key-value
    metadata of a parquet file and in the metadata_props of a model.
    """

    schema: Literal["ai-run-provenance-short-v1"]
    distribution: str | None
    version: str | None
    args: Annotated[dict[str, Any], Meta(description="The arguments that shape the content.")]
    inputs: Annotated[
        dict[str, Sha256 | list[Sha256] | None],
        Meta(
            description="SHA-256 by the input's name; lists stay lists, null is an absent optional."
        ),
    ]


class ManifestDocument(TypedDict):
    """The record of a run that has no document of its own: the envelope, and named sections."""

    schema: Literal["run-manifest-v1"]
    run_provenance: Annotated[
        dict[str, Any], Meta(extra_json_schema={"$ref": "ai-run-provenance-v1.json"})
    ]
    content_sha256: Annotated[
        Sha256,
        Meta(
            description="SHA-256 of this document in canonical form (RFC 8785) without this member."
        ),
    ]


class ErrorDocument(TypedDict):
    """An error: what is wrong, where, and how to fix it."""

    type: str
    code: str | None
    what: str
    where: str | None
    fix: str | None


class FileFindingDocument(TypedDict):
    """What verify found for one file of a record."""

    side: Literal["record", "input", "output"]
    name: str
    path: str
    status: Annotated[
        Literal["same", "changed", "missing", "moved", "replaced", "unrecorded"],
        Meta(
            description="replaced: an input that the same run replaced in place. unrecorded: an "
            "old record that has no digest for it."
        ),
    ]
    recorded_sha256: str | None
    found_sha256: str | None
    moved_to: str | None
    reason: str | None


class ClaimFindingDocument(TypedDict):
    """What verify found for a claim that an output makes about itself."""

    kind: Annotated[
        Literal["embedded", "prefix"],
        Meta(
            description="embedded: the short form in the file agrees with the record. prefix: the "
            "file begins with an input's bytes."
        ),
    ]
    name: str
    path: str
    status: Literal["same", "changed", "unchecked"]
    reason: str | None


class RecordFindingsDocument(TypedDict):
    """What verify found for one run."""

    path: str
    entrypoint: str | None
    status: Verdict
    files: list[FileFindingDocument]
    claims: list[ClaimFindingDocument]


class VerificationDocument(TypedDict):
    """Per record and file: whether it still is what the run left."""

    schema: Literal["provenance-verification-v1"]
    status: Verdict
    unusable: NotRequired[
        Annotated[
            list[ErrorDocument],
            Meta(description="Of several files, why some could not be verified at all."),
        ]
    ]
    records: list[RecordFindingsDocument]


class OutputComparisonDocument(TypedDict):
    """What a replay made of one output."""

    name: str
    status: Annotated[
        Literal["same", "different", "close", "missing", "unrecorded"],
        Meta(
            description="close: a CUDA run, whose difference is reported. unrecorded: an old "
            "record has no digest for it."
        ),
    ]
    recorded_sha256: str | None
    replayed_sha256: str | None
    largest_difference: Annotated[float, Meta(ge=0)] | None


class ReplayDocument(TypedDict):
    """Whether running the recorded command again made the same bytes."""

    schema: Literal["provenance-replay-v1"]
    status: Verdict
    record: str
    command: list[str]
    rebuilt_from_args: Annotated[
        bool,
        Meta(
            description="The run was a library call; its command line was rebuilt from its options."
        ),
    ]
    identical: bool
    notes: Annotated[
        list[str], Meta(description="What differs between then and now: versions, sources.")
    ]
    outputs: list[OutputComparisonDocument]
    folder: Annotated[str | None, Meta(description="Where the replayed files were kept.")]


class PlaceDocument(TypedDict):
    """Where a record has an artefact, and what is there now."""

    path: str
    status: Annotated[
        Literal["same", "changed", "superseded", "moved", "missing"],
        Meta(description="superseded: a later run of the graph has put other bytes there."),
    ]
    found_sha256: Sha256 | None


class ArtefactDocument(TypedDict):
    """Some bytes that a run read or made."""

    sha256: Sha256
    bytes: Bytes | None
    kind: Literal["file", "directory"]
    path: Annotated[str | None, Meta(description="The best place to name it by.")]
    roles: list[str]
    raw: Annotated[bool, Meta(description="No known run has made it.")]
    status: Literal["same", "changed", "superseded", "moved", "missing", "unlocated"]
    places: list[PlaceDocument]


class RunDocument(TypedDict):
    """A run of the graph."""

    id: str
    entrypoint: str
    version: str | None
    record: Annotated[str | None, Meta(description="The record's file.")]
    status: Annotated[
        Literal["ok", "damaged", "embedded"],
        Meta(description="embedded: only the short form inside the artefact is left."),
    ]
    reason: str | None


EdgeDocument = TypedDict(
    "EdgeDocument",
    {
        "from": str,
        "to": str,
        "name": Annotated[str, Meta(description="The input's or output's name.")],
        "kind": Literal["input", "output", "part"],
    },
)


class DamagedDocument(TypedDict):
    """A record beside the files of the graph that cannot be read any more."""

    path: str
    reason: str


class TraceDocument(TypedDict):
    """The graph of runs and artefacts that provenance trace prints.

    Artefacts are identified by their digest, runs by that of their record.
    """

    schema: Literal["provenance-trace-v1"]
    status: Annotated[Verdict, Meta(description="failed if a file or a record has changed.")]
    target: Annotated[str, Meta(description="The node that was asked about.")]
    artefacts: list[ArtefactDocument]
    runs: list[RunDocument]
    edges: Annotated[list[EdgeDocument], Meta(description="Steps in time.")]
    damaged_records: list[DamagedDocument]


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each document that provenance writes, by schema id.

    >>> sorted(schemas())[:2]
    ['ai-run-provenance-short-v1', 'ai-run-provenance-v1']
    """
    titles: dict[str, tuple[Any, str]] = {
        "ai-run-provenance-v1": (BlockDocument, "Run record (ADR-0661)"),
        "ai-run-provenance-short-v1": (ShortDocument, "Short form of a run record"),
        "run-manifest-v1": (ManifestDocument, "Run manifest"),
        "provenance-verification-v1": (VerificationDocument, "Outcome of provenance verify"),
        "provenance-replay-v1": (ReplayDocument, "Outcome of provenance replay"),
        "provenance-trace-v1": (TraceDocument, "Lineage of a file"),
    }
    made = {name: published_schema(name, kind, title) for name, (kind, title) in titles.items()}
    made["run-manifest-v1"]["additionalProperties"] = True  # the sections that a script adds
    entry = made["ai-run-provenance-v1"]["$defs"]["EntryDocument"]
    entry["if"] = {"properties": {"kind": {"const": "directory"}}}
    entry["then"] = {"required": ["files"]}
    entry["else"] = {"not": {"required": ["files"]}}
    return made
