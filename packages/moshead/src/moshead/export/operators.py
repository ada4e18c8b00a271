"""The ONNX operators that a head may use (ADR-0258), and the check of a model against them."""

from __future__ import annotations

import functools
import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

if TYPE_CHECKING:
    from moshead.export.onnxfile import OnnxFacts


@functools.cache
def allowed_operators() -> frozenset[str]:
    """Return the ONNX operator types that ADR-0258 allows (``operators.toml``).

    Example:
        >>> "Gemm" in allowed_operators(), "NonMaxSuppression" in allowed_operators()
        (True, False)
    """
    document = tomllib.loads(files("moshead.export").joinpath("operators.toml").read_text("utf-8"))
    return frozenset(name for group in document["allowed"].values() for name in group)


def check_operators(facts: OnnxFacts, where: str) -> None:
    """Refuse a model that uses an operator outside the list, at any depth of its graphs.

    Raises:
        InputError: The model uses other operators; the message lists them.
    """
    unlisted = sorted(facts.operators - allowed_operators())
    if unlisted:
        raise InputError(
            f"the graph uses {', '.join(unlisted)}, which the operator list of ADR-0258 "
            "does not allow",
            where=where,
            fix="Export the head with moshead, or remove those operators",
            code="head.operator-not-allowed",
        )
