"""The licence of every dependency is known, and equal sources are built to equal bytes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import supply_chain
from workspace import ROOT

UNSTATED = {"cuda-toolkit"}  # a package without files, of what NVIDIA's other packages hold


def test_every_dependency_states_a_licence() -> None:
    licences = supply_chain.dependencies_of("moshead") | supply_chain.dependencies_of("labeljoin")
    assert {"numpy", "torch", "securesystemslib", "dask", "scikit-learn"} <= set(
        licences | supply_chain.dependencies_of("provenance")
    )
    unstated = {name for name, licence in licences.items() if licence == supply_chain.NOT_STATED}
    assert unstated <= UNSTATED
    copyleft = [name for name, text in licences.items() if "GPL" in text and " OR " not in text]
    assert copyleft == []
    page = supply_chain.page()
    assert all(f"| {name} | {licence} |" in page for name, licence in licences.items())


def test_an_sbom_has_every_dependency_with_digest_and_licence() -> None:
    document = supply_chain.sbom("provenance")
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    assert "timestamp" not in document["metadata"]
    components = {component["name"]: component for component in document["components"]}
    assert set(supply_chain.dependencies_of("provenance")) <= set(components)
    typer = components["typer"]
    assert typer["licenses"]
    assert typer["externalReferences"][0]["hashes"][0]["alg"] == "SHA-256"
    assert document == supply_chain.sbom("provenance")


def test_a_second_build_has_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supply_chain, "PACKAGES", ("provenance",))
    build = ["uv", "build", "--package", "moskit-provenance", "--no-sources", "--quiet"]
    subprocess.run([*build, "--out-dir", tmp_path], cwd=ROOT, check=True)
    assert supply_chain.rebuilt_differently(tmp_path) == []
    [wheel] = tmp_path.glob("*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"x")
    assert supply_chain.rebuilt_differently(tmp_path) == [wheel.name]
