"""The public names: few at the top, the rest in rooms, and the old places for one release."""

import moshead
import pytest

ROOMS = (
    "baselines",
    "comparison",
    "corpus",
    "domain",
    "export",
    "features",
    "gate",
    "heads",
    "predict",
    "recalibration",
    "scales",
    "training",
)


def test_the_top_has_few_names():
    assert moshead.__version__
    assert len(set(moshead.__all__) - set(ROOMS)) <= 13
    with pytest.raises(AttributeError):
        getattr(moshead, "non" + "sense")


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "baselines"])
def test_names_of_rooms_exist(room):
    module = getattr(moshead, room)
    assert module.__all__
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


MOVED = {name: home for home, names in vars(moshead)["_MOVED"].items() for name in names}


@pytest.mark.parametrize("name", sorted(MOVED))
def test_names_that_moved_still_work_and_warn(name):
    home = MOVED[name]
    with pytest.warns(DeprecationWarning, match=f"import it from {home}"):
        assert getattr(moshead, name) is not None
