"""What the commands of provenance find and do: the outcomes of verify, replay, trace and sign."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

from provenance.documents.record import Bytes, Sha256  # noqa: TC001 - msgspec reads annotations

Verdict = Literal["ok", "failed"]


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


class SignatureDocument(TypedDict):
    """Whether a record is signed by one of the keys that were given."""

    status: Annotated[
        Literal["verified", "missing", "other-key", "invalid", "other-record"],
        Meta(
            description="other-key: signed, but by none of the keys. invalid: the envelope or its "
            "signature is damaged. other-record: the record has changed since it was signed."
        ),
    ]
    envelope: str | None
    keyid: Annotated[
        str | None, Meta(description="The key that has verified it: SHA-256 of its DER form.")
    ]
    signers: Annotated[list[str], Meta(description="The key ids that the envelope states.")]
    reason: str | None


class SigningDocument(TypedDict):
    """A record that was signed: a DSSE envelope around its in-toto statement was written."""

    schema: Literal["provenance-signature-v1"]
    envelope: Annotated[str, Meta(description="The envelope's file.")]
    record: Annotated[str, Meta(description="The record's file.")]
    record_sha256: Annotated[
        Sha256, Meta(description="Of the record's file, which is among the signed subjects.")
    ]
    keyid: Annotated[Sha256, Meta(description="SHA-256 of the public key's DER form.")]
    signers: Annotated[list[str], Meta(description="All keys that have signed the envelope.")]


class RecordFindingsDocument(TypedDict):
    """What verify found for one run."""

    path: str
    entrypoint: str | None
    status: Verdict
    files: list[FileFindingDocument]
    claims: list[ClaimFindingDocument]
    signature: NotRequired[
        Annotated[SignatureDocument, Meta(description="There where keys were given.")]
    ]


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


class LeftoverDocument(TypedDict):
    """A file or folder that a run has made for itself."""

    path: str
    kind: Annotated[
        Literal["temporary", "lock", "former"],
        Meta(description="former: the old folder of an output, put aside for the new one."),
    ]
    bytes: Bytes
    kept: Annotated[str | None, Meta(description="Why it stays; null if it is removed.")]


class CleaningDocument(TypedDict):
    """What killed runs have left, and what was removed of it."""

    schema: Literal["provenance-cleaning-v1"]
    status: Annotated[Verdict, Meta(description="failed if something could not be removed.")]
    dry_run: Annotated[bool, Meta(description="Nothing was removed, only looked for.")]
    leftovers: list[LeftoverDocument]


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


class SignerDocument(TypedDict):
    """A key that has signed a record."""

    keyid: Annotated[str, Meta(description="SHA-256 of the key's DER form.")]
    status: Annotated[
        Literal["verified", "unchecked", "invalid"],
        Meta(description="unchecked: the key was not given, so the envelope only states it."),
    ]


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
    signers: NotRequired[list[SignerDocument]]


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
