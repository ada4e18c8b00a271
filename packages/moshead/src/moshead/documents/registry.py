"""The registry of heads (``mos-head-registry-v1``)."""

from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from moshead.documents.shared import ContentDigest, RunRecord, Sha256, Status

SCHEMA = "mos-head-registry-v1"


class VerdictDocument(TypedDict):
    """What the status rests on."""

    kind: Literal["training", "validation"]
    passed: bool
    content_sha256: Sha256


class RegistryEntryDocument(TypedDict):
    """One head of a registry."""

    id: Annotated[str, Meta(description="Name of the head.")]
    version: Annotated[int, Meta(description="1 for the first head of that name.", ge=1)]
    onnx: Annotated[
        str,
        Meta(
            description="The ONNX file, relative to the registry's folder if it is in or below it."
        ),
    ]
    sha256: Sha256
    schema: Annotated[str, Meta(description="Id of the feature schema.")]
    status: Status
    manifest: Annotated[str, Meta(description="The manifest, in the form of onnx.")]
    verdict: VerdictDocument


class RegistryDocument(TypedDict):
    """An index of heads, and the run record of the registration that wrote it last."""

    schema: Literal["mos-head-registry-v1"]
    heads: list[RegistryEntryDocument]
    run_provenance: RunRecord
    content_sha256: ContentDigest
