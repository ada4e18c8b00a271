"""Feature schemas, custom and built in, and the rows of an out-of-fold table."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from moshead.documents.shared import Count

FILE_SCHEMA = "mos-feature-schema-v1"
LIST_SCHEMA: Literal["mos-feature-schemas-v1"] = "mos-feature-schemas-v1"
OOF_SCHEMA = "mos-oof-row-v1"

Name = Annotated[str, Meta(min_length=1)]
Mos = Annotated[float, Meta(ge=1, le=5)]


class FeatureSchemaFile(TypedDict):
    """The TOML file that `--feature-schema` takes, as the object that it parses to."""

    id: Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    columns: Annotated[
        list[Name],
        Meta(
            description="Ordered feature columns; globs are resolved once, in the table's order, "
            "and frozen in the manifest.",
            min_length=1,
        ),
    ]
    required: NotRequired[
        Annotated[
            Any,
            Meta(
                description="Columns that a table must have; by default, all that are not filled.",
                extra_json_schema={
                    "anyOf": [
                        {"type": "array", "items": {"type": "string", "minLength": 1}},
                        {"const": True},
                    ]
                },
            ),
        ]
    ]
    fill: NotRequired[
        Annotated[
            dict[str, float] | list[Name],
            Meta(description="Values for columns that may be absent or null; a list fills with 0."),
        ]
    ]
    summary: NotRequired[str]
    description: NotRequired[str]
    version: NotRequired[Any]


class FeatureSchemaFacts(TypedDict):
    """One built-in feature schema."""

    id: str
    columns: list[str]
    required: list[str]
    fill: dict[str, float]
    summary: NotRequired[str]


class FeatureSchemaList(TypedDict):
    """The built-in feature schemas; written by `moshead schemas --json`."""

    schema: Literal["mos-feature-schemas-v1"]
    feature_schemas: list[FeatureSchemaFacts]


class OutOfFoldRow(TypedDict):
    """One row of the table that `--out-oof` writes: a held-out row as one fold's net predicts it.

    You can compute every gated number from these rows. The table is parquet or CSV.
    """

    key: Annotated[str, Meta(description="Clip key.")]
    fold: Count
    seed: Count
    mos: Mos
    mos_pred: Mos
    group: NotRequired[Annotated[str, Meta(description="Group of the row, if it has one.")]]
    corpus: NotRequired[
        Annotated[Literal["synthetic"], Meta(description="Only in tables of synthetic rows.")]
    ]
