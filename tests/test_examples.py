"""Every public function has an example in its docstring, and so has every package's front door."""

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

PACKAGES = ("provenance", "labeljoin", "secondopinion", "signalaudit", "moshead")

NEEDS_A_HEAD = {
    *("moshead.predict_file", "moshead.predict.predict_file", "moshead.predict.validate"),
    *("moshead.validate", "moshead.predict.validation_markdown", "moshead.predict_frame"),
    *("moshead.register", "moshead.export.register", "moshead.export.load_manifest"),
    *(
        "moshead.train",
        "moshead.train_chug_hdr",
        "moshead.train_konvid",
        "moshead.corpus.load_corpus",
    ),
    *("moshead.training.train", "moshead.training.train_chug_hdr"),
    *("moshead.training.train_konvid", "moshead.training.train_head"),
}
"""Functions whose example would train a head for seconds; the pages of the docs run them."""


def public_modules(package: str) -> list[ModuleType]:
    """The package and its public sub-modules: those that list what is public in ``__all__``."""
    top = importlib.import_module(package)
    rooms = [info.name for info in pkgutil.iter_modules(top.__path__) if info.ispkg]
    modules = [top, *(importlib.import_module(f"{package}.{room}") for room in rooms)]
    return [module for module in modules if hasattr(module, "__all__")]


def public_functions(package: str) -> dict[str, str]:
    """The docstring of each public function, by the name under which users find it."""
    found = {}
    for module in public_modules(package):
        for name in module.__all__:
            member = getattr(module, name)
            if inspect.isfunction(member) and member.__module__.startswith(package):
                found[f"{module.__name__}.{name}"] = inspect.getdoc(member) or ""
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_function_has_an_example(package: str) -> None:
    without = [name for name, text in public_functions(package).items() if ">>>" not in text]
    assert sorted(set(without) - NEEDS_A_HEAD) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_the_front_door_maps_the_rooms_and_runs(package: str) -> None:
    top = importlib.import_module(package)
    text = top.__doc__ or ""
    assert ">>>" in text
    rooms = {info.name for info in pkgutil.iter_modules(top.__path__) if info.ispkg}
    assert [room for room in sorted(rooms) if f"``{room}``" not in text] == []
