"""The layout is what CONTRIBUTING.md says: few rooms, small rooms, imports in one direction."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from workspace import PACKAGES, ROOT

CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))[
    "tool"
]["importlinter"]["contracts"]


def source_of(package: str) -> Path:
    return ROOT / "packages" / package / "src" / package


def folders_of(package: str) -> Iterator[Path]:
    source = source_of(package)
    yield from (path for path in source.rglob("*") if path.is_dir() and any(path.glob("*.py")))


@pytest.mark.parametrize("package", PACKAGES)
def test_few_modules_lie_beside_the_rooms(package: str) -> None:
    assert len(list(source_of(package).glob("*.py"))) <= 6


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_are_small(package: str) -> None:
    sizes = {path.name: len(list(path.glob("*.py"))) for path in folders_of(package)}
    assert {name: size for name, size in sizes.items() if size > 12} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_are_layered_by_a_contract_without_exceptions(package: str) -> None:
    contracts = [
        contract
        for contract in CONTRACTS
        if contract["type"] == "layers" and contract.get("containers") == [package]
    ]
    assert len(contracts) == 1
    assert contracts[0]["exhaustive"] is True
    assert "ignore_imports" not in contracts[0]
    rooms = {room.strip() for layer in contracts[0]["layers"] for room in re.split("[|:]", layer)}
    assert rooms >= {path.name for path in folders_of(package) if path.parent == source_of(package)}


def test_contributing_leads_to_places_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text.partition("| to change | go to |")[2].partition("\n\n")[0]
    places = re.findall(r"`((?:packages|tooling)/[^`]+)`", table)
    assert len(places) > 20
    assert [place for place in places if not (ROOT / place).exists()] == []
    rooms = {
        path
        for package in PACKAGES
        for path in folders_of(package)
        if path.parent == source_of(package) and path.name != "cli"
    }
    assert sorted(rooms - {ROOT / place for place in places}) == []
