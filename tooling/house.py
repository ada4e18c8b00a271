"""Draw the packages, their rooms and the imports between them: ``uv run tooling/house.py``.

Compares ``docs/house.svg`` with the imports in the code and fails if they differ; ``--write``
draws it again. A room is a folder, or a module beside the folders, directly in a package.
An arrow points at what is imported; one that follows from others is left out.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from xml.sax.saxutils import escape

import grimp

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "house.svg"
PACKAGES = ("provenance", "labeljoin", "secondopinion", "signalaudit", "moshead")

Arrows = dict[str, set[str]]

WIDTH, HEIGHT = 104, 34  # of a room
COLUMN, ROW = 116, 62  # from one room to the next
MARGIN, HEAD, DEPTH = 16, 44, 22  # around rooms, for a package's name, between package arrows


@dataclass(frozen=True)
class House:
    """What imports what.

    Attributes:
        packages: For each package, the packages that it imports.
        rooms: For each package: for each of its rooms, the rooms of that package it imports.
    """

    packages: Arrows
    rooms: dict[str, Arrows]


def read_house() -> House:
    """Read the imports of all packages: at run time, for type checkers only, and lazy ones."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    packages: Arrows = {package: set() for package in PACKAGES}
    rooms: dict[str, Arrows] = {package: {} for package in PACKAGES}
    for module in sorted(graph.modules):
        package, room = _place_of(module)
        if not room:
            continue
        arrows = rooms[package].setdefault(room, set())
        imported = set(graph.find_modules_directly_imported_by(module)) | _lazy_imports(module)
        if package in imported:  # a command takes from the package's own public names
            imported |= _lazy_imports(package)
        for other_package, other_room in map(_place_of, imported):
            if other_package != package:
                packages[package].add(other_package)
            elif other_room and other_room != room:
                arrows.add(other_room)
    return House(packages, rooms)


def _lazy_imports(module: str) -> set[str]:
    """Return the modules that a package loads when a name is used, as its stub lists them."""
    stub = ROOT.joinpath("packages", module.partition(".")[0], "src", *module.split("."))
    stub /= "__init__.pyi"
    if not stub.exists():
        return set()
    return {
        ".".join([*module.split(".")[: len(module.split(".")) + 1 - node.level], node.module])
        for node in ast.walk(ast.parse(stub.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level and node.module
    }


def _place_of(module: str) -> tuple[str, str]:
    """Return the package and the room of a module; no room for the package itself."""
    package, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    return package, "" if room.startswith("__") else room


def without_shortcuts(arrows: Arrows) -> Arrows:
    """Leave out each arrow whose ends other arrows connect; with a circle, keep all arrows."""
    try:
        order = list(TopologicalSorter(arrows).static_order())
    except CycleError:
        return arrows
    reached: Arrows = {}
    kept: Arrows = {}
    for room in order:  # what a room imports comes before it
        imported = arrows.get(room, set())
        indirect = set().union(*(reached[other] for other in imported))
        reached[room] = imported | indirect
        kept[room] = imported - indirect
    return kept


def levels_of(arrows: Arrows) -> dict[str, int]:
    """Return the height of each room: 0 if it imports none, else one above the highest imported."""
    levels = dict.fromkeys(arrows, 0)
    for _ in arrows:  # enough passes for every graph without circles; ends for one with them, too
        for room, imported in arrows.items():
            levels[room] = max([levels[room], *(levels[other] + 1 for other in imported)])
    heights = {level: height for height, level in enumerate(sorted(set(levels.values())))}
    return {room: heights[level] for room, level in levels.items()}


def rows_of(arrows: Arrows) -> list[list[str]]:
    """Arrange rooms in rows, the highest first, each room near those that import it."""
    levels = levels_of(arrows)
    rows: list[list[str]] = [[] for _ in range(max(levels.values(), default=-1) + 1)]
    for room in sorted(arrows):
        rows[-1 - levels[room]].append(room)
    place: dict[str, float] = {}
    for row in rows:
        above = {
            room: [place[other] for other in arrows if room in arrows[other] and other in place]
            for room in row
        }
        row.sort(key=lambda room: sum(above[room]) / len(above[room]) if above[room] else 0)
        for number, room in enumerate(row):
            place[room] = number - (len(row) - 1) / 2
    return rows


def draw(house: House) -> str:
    """Return the picture as SVG."""
    rows = {package: rows_of(without_shortcuts(house.rooms[package])) for package in PACKAGES}
    columns = {package: max((len(row) for row in rows[package]), default=1) for package in PACKAGES}
    tallest = max(len(rows[package]) for package in PACKAGES)
    bottom = MARGIN + HEAD + tallest * ROW
    parts: list[str] = []
    middles: dict[str, float] = {}
    left = float(MARGIN)
    for package in PACKAGES:
        width = max(columns[package], 2) * COLUMN + MARGIN
        middles[package] = left + width / 2
        parts.append(
            f'<rect class="package" x="{left:g}" y="{MARGIN}" width="{width:g}" '
            f'height="{bottom - MARGIN}" rx="10"/>'
            f'<text class="name" x="{middles[package]:g}" y="{MARGIN + 28}">{package}</text>'
        )
        # Packages stand on one ground, so the lowest rooms are beside each other.
        top = MARGIN + HEAD + (tallest - len(rows[package])) * ROW
        parts += _draw_rooms(house, package, rows[package], middles[package], top)
        left += width + MARGIN
    arrows = without_shortcuts(house.packages)
    ends = [(package, other) for package in PACKAGES for other in sorted(arrows[package])]
    parts += _draw_package_arrows(ends, middles, bottom)
    height = bottom + (len(ends) + 1) * DEPTH
    return "\n".join([_HEADER.format(width=f"{left:g}", height=height), *parts, "</svg>"]) + "\n"


def _draw_rooms(
    house: House, package: str, rows: list[list[str]], middle: float, top: float
) -> Iterator[str]:
    places = {
        room: (middle + (number - (len(row) - 1) / 2) * COLUMN, top + height * ROW)
        for height, row in enumerate(rows)
        for number, room in enumerate(row)
    }
    arrows = without_shortcuts(house.rooms[package])
    for room in places:
        for other in sorted(arrows[room], key=places.__getitem__):
            (x, y), (to_x, to_y) = places[room], places[other]
            start, end = y + HEIGHT, to_y - 6
            wrong = ' class="wrong"' if to_y <= y else ""
            yield (
                f'<path{wrong} d="M{x:g} {start:g} C{x:g} {(start + end) / 2:g} '
                f'{to_x:g} {(start + end) / 2:g} {to_x:g} {end:g}" marker-end="url(#head)"/>'
            )
    for room, (x, y) in places.items():
        source = ROOT / "packages" / package / "src" / package / room
        text = f"{room}/" if source.is_dir() else f"{room}.py"
        yield (
            f'<rect class="room" x="{x - WIDTH / 2:g}" y="{y:g}" width="{WIDTH}" '
            f'height="{HEIGHT}" rx="5"/><text x="{x:g}" y="{y + 22:g}">{escape(text)}</text>'
        )


def _draw_package_arrows(
    ends: list[tuple[str, str]], middles: dict[str, float], bottom: float
) -> Iterator[str]:
    """Draw each arrow in a line of its own below the packages."""
    for number, (package, other) in enumerate(ends):
        x, to_x = middles[package] - 8 * (number % 3), middles[other] + 8 * (number % 3) + 8
        line = bottom + (number + 1) * DEPTH
        yield (
            f'<path class="between" d="M{x:g} {bottom:g} V{line:g} H{to_x:g} V{bottom + 6:g}" '
            'marker-end="url(#head)"/>'
        )


_HEADER = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>The packages of moskit, their rooms, and which imports which</title>
<style>
  svg {{ background: #fff; font: 13px system-ui, sans-serif; }}
  text {{ text-anchor: middle; fill: #1f2933; }}
  .name {{ font-size: 17px; font-weight: 600; }}
  .package {{ fill: #f5f7fa; stroke: #cbd2d9; }}
  .room {{ fill: #fff; stroke: #00897b; }}
  path {{ fill: none; stroke: #52606d; }}
  .between {{ stroke: #00897b; stroke-width: 2; }}
  .wrong {{ stroke: #c62828; }}
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="7" markerHeight="7"
  markerUnits="userSpaceOnUse" orient="auto">
  <path d="M0 0L8 4L0 8z" style="fill:#52606d"/></marker></defs>"""


def main() -> None:
    """Compare the picture with the code, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="draw the picture from the code")
    write = parser.parse_args().write
    picture = draw(read_house())
    if write:
        PICTURE.write_text(picture, encoding="utf-8")
    elif not PICTURE.exists() or PICTURE.read_text("utf-8") != picture:
        name = PICTURE.relative_to(ROOT)
        sys.exit(f"{name} does not show today's imports: run `uv run tooling/house.py --write`")


if __name__ == "__main__":
    main()
