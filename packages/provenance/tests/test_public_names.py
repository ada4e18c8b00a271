"""The public names, those that have moved, and the schemas that ship with the package."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import provenance
import pytest
from provenance.documents import schemas
from provenance.toolkit import InputError, parse_json, read_document, read_json

PUBLISHED = Path(__file__).parents[3] / "docs" / "schemas"


def test_there_is_a_version_and_about_ten_names() -> None:
    assert provenance.__version__
    assert len(provenance.__all__) <= 12
    assert all(getattr(provenance, name) is not None for name in provenance.__all__)
    with pytest.raises(AttributeError):
        _ = provenance.nonsense  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("module", "name", "home"),
    [
        ("provenance", "Digest", "provenance.record"),
        ("provenance", "InputError", "provenance.toolkit"),
        ("provenance", "StagedOutput", "provenance.run"),
        ("provenance", "Lineage", "provenance.lineage"),
        ("provenance.command", "CommandLine", "provenance.toolkit"),
        ("provenance.errors", "InputError", "provenance.toolkit"),
    ],
)
def test_names_that_moved_still_work_and_warn(module: str, name: str, home: str) -> None:
    with pytest.warns(
        DeprecationWarning, match=f"{module}.{name} has moved: import it from {home}"
    ):
        old = getattr(import_module(module), name)
    assert old is getattr(import_module(home), name)


@pytest.mark.parametrize("room", ["checks", "exports", "lineage", "record", "run", "toolkit"])
def test_what_a_room_lists_is_there(room: str) -> None:
    module = import_module(f"provenance.{room}")
    assert all(getattr(module, name) is not None for name in module.__all__)


@pytest.mark.parametrize("identifier", sorted(schemas()))
def test_published_schemas_are_those_of_the_types(identifier: str) -> None:
    """If this fails, run ``uv run tooling/schemas.py --write``."""
    shipped = files("provenance").joinpath("schemas", f"{identifier}.json")
    assert json.loads(shipped.read_text("utf-8")) == schemas()[identifier]
    if PUBLISHED.is_dir():
        published = (PUBLISHED / f"{identifier}.json").read_text("utf-8")
        assert json.loads(published) == schemas()[identifier]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "document.not-json"),
        (b"\xff\xfe{}", "document.not-json"),
        (b"[" * 1000 + b"]" * 1000, "document.too-deep"),
        (b"9" * 5000, "document.long-number"),
    ],
)
def test_documents_are_read_with_bounds(raw: bytes, code: str, tmp_path: Path) -> None:
    (tmp_path / "d.json").write_bytes(raw)
    with pytest.raises(InputError) as refused:
        read_json(tmp_path / "d.json", "The manifest")
    assert refused.value.code == code
    assert refused.value.where == str(tmp_path / "d.json")


def test_only_small_regular_files_are_documents(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * 11)
    for name, code in (
        ("pipe", "document.no-file"),
        (".", "document.no-file"),
        ("large", "document.too-large"),
        ("none", "document.missing"),
        ("nul\0", "document.unreadable"),
    ):
        with pytest.raises(InputError) as refused:
            read_document(tmp_path / name, "The manifest", limit=10)
        assert refused.value.code == code
    with pytest.raises(InputError):
        read_document("/dev/zero", "The manifest")


def test_brackets_and_digits_in_text_do_not_count() -> None:
    text = "[" * 1000 + "9" * 5000 + '"'
    assert parse_json(json.dumps({"a": [text]}).encode(), "The manifest") == {"a": [text]}
