"""The run record and its parts, its short form, and the document that carries it alone."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

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


class PrefixDocument(TypedDict):
    """The file begins with the first bytes of an input's file."""

    input: Annotated[str, Meta(description="The input's name.")]
    path: WrittenPath
    path_base64: NotRequired[Base64]
    sha256: Annotated[Sha256 | None, Meta(description="Of those bytes, if it was taken.")]
    bytes: Bytes


class ObjectDocument(TypedDict):
    """What an object store says of an object; its URL and size are those of the entry."""

    etag: Annotated[str, Meta(description="Changes when the object is written again.")]
    version_id: Annotated[str | None, Meta(description="Where the bucket keeps versions.")]
    checksum: Annotated[
        str | None,
        Meta(description="The store's own checksum as ALGORITHM:value, if it has one."),
    ]


class PartDocument(TypedDict):
    """A file of a directory; its path is relative to the directory."""

    path: WrittenPath
    path_base64: NotRequired[Base64]
    sha256: Annotated[
        Sha256 | None, Meta(description="Null for an object that was not read whole.")
    ]
    bytes: Bytes
    object: NotRequired[ObjectDocument]
    prefix: NotRequired[PrefixDocument]


class EntryDocument(TypedDict):
    """An input or output of a run."""

    path: WrittenPath
    path_base64: NotRequired[Base64]
    kind: Literal["file", "directory"]
    sha256: Annotated[
        Sha256 | None,
        Meta(
            description="Of a file: its bytes. Of a directory: the text that sha256sum prints for "
            "its files in the order of their relative paths. Null for an object that was not read "
            "whole."
        ),
    ]
    bytes: Bytes
    object: NotRequired[ObjectDocument]
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
