"""The documents of moshead, typed: what it writes and reads as JSON, one module per document.

:func:`schemas` makes the published JSON Schemas from these definitions, and tests validate what the
commands write against the schemas.

- ``shared``: what several documents have;
- ``manifest``: the manifest of a head;
- ``validation``, ``predictions``, ``plan``, ``registry``: one document each;
- ``feature_schemas``: feature schemas and out-of-fold rows;
- ``comparison``: the comparison of candidates.
"""

from __future__ import annotations

from typing import Any


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each document that moshead writes or reads, by schema id.

    Example:
        >>> sorted(schemas())[0]
        'mos-comparison-v1'
    """
    from provenance.toolkit import published_schema

    from moshead.documents import (
        comparison,
        feature_schemas,
        manifest,
        plan,
        predictions,
        registry,
        validation,
    )

    documents: tuple[tuple[str, Any, str, tuple[str, ...]], ...] = (
        (comparison.SCHEMA, comparison.ComparisonDocument, "Comparison of candidates", ()),
        (
            feature_schemas.FILE_SCHEMA,
            feature_schemas.FeatureSchemaFile,
            "Custom feature schema",
            (),
        ),
        (feature_schemas.LIST_SCHEMA, feature_schemas.FeatureSchemaList, "Feature schemas", ()),
        (feature_schemas.OOF_SCHEMA, feature_schemas.OutOfFoldRow, "Out-of-fold prediction", ()),
        (plan.SCHEMA, plan.GatePlan, "Gate plan", ()),
        (manifest.SCHEMA, manifest.ManifestDocument, "Manifest of a MOS head", manifest.OPEN),
        (registry.SCHEMA, registry.RegistryDocument, "Registry of MOS heads", ()),
        (
            validation.SCHEMA,
            validation.ValidationDocument,
            "Validation of a MOS head",
            ("GateDocument",),
        ),
        (predictions.SCHEMA, predictions.PredictionsDocument, "Record of predictions", ()),
    )
    published = {}
    for identifier, document, title, extensible in documents:
        schema = published_schema(identifier, document, title)
        for name in extensible:
            schema["$defs"][name]["additionalProperties"] = True
        published[identifier] = schema
    return published
