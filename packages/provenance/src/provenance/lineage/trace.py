"""Building a lineage: records found by digest, from one to the next."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from provenance.lineage.graph import Artefact, Edge, Lineage, Place, RunNode
from provenance.record.entry import FileEntry
from provenance.record.finding import FileFinder
from provenance.record.hashing import Digest, missing_file
from provenance.record.keys import PublicKey, read_public_key
from provenance.record.record import DamagedRecordError, Record, read_record
from provenance.record.search import find_record, no_record, record_files, short_form
from provenance.record.signatures import SignatureFinder
from provenance.stores import ObjectPath, as_path
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from provenance.toolkit import ProgressCallback


def trace(
    file: os.PathLike[str] | str,
    *,
    roots: Sequence[os.PathLike[str] | str] = (),
    downstream: bool = False,
    keys: Sequence[os.PathLike[str] | str] = (),
    progress: ProgressCallback | None = None,
) -> Lineage:
    """Build the graph of all runs that led to ``file``, and see whether their files have changed.

    Records are taken from below ``roots``, and from beside every file that a record names. Where an
    artefact's record is lost, the short form inside it is used.

    Args:
        file: A record, or a file that a run has read or made.
        roots: Folders to search for records and moved files.
        downstream: Follow what was made from ``file`` instead of what it was made from; finds
            what lies beside it and below ``roots``.
        keys: Public keys as PEM files, to check the signatures of the records with. Without them
            a signature is shown by the key that it states, unchecked. Needs the extra ``sign``.
        progress: Called while files are hashed.

    Returns:
        The graph. What has changed or is missing is marked in it and is no exception.

    Raises:
        InputError: ``file`` is unreadable, no record speaks of it, or a key is unusable.

    Example:
        >>> from pathlib import Path
        >>> from provenance import start_run
        >>> _ = Path("in.csv").write_text("1")
        >>> with start_run("job.py", inputs={"table": "in.csv"}) as run:
        ...     _ = Path(run.stage("out", "out.csv")).write_text("2")
        >>> lineage = trace("out.csv")
        >>> lineage.ok, [item.path.name for item in lineage.raw_files()]
        (True, ['in.csv'])
    """
    public = [read_public_key(key) for key in keys]
    given = as_path(file)
    if isinstance(given, ObjectPath):
        raise InputError(
            "An object is not identified by its bytes, so its lineage cannot be traced",
            where=os.fspath(file),
            fix="Look at its record with provenance show, and check it with provenance verify",
            code="trace.object",
        )
    return _Tracer(roots, public, progress).trace(Path(os.path.abspath(given)), downstream)  # noqa: PTH100


class _RecordIndex:
    """Records by the digests that they make and read."""

    def __init__(self) -> None:
        self.records: dict[Path, Record] = {}
        self.makers: dict[str, list[tuple[Record, FileEntry]]] = {}
        self.readers: dict[str, list[tuple[Record, FileEntry]]] = {}
        self.damaged: dict[Path, str] = {}
        self._folders: set[Path] = set()

    def add_tree(self, root: os.PathLike[str] | str) -> None:
        for path in record_files([root]):
            self.add(path.absolute())

    def add_beside(self, path: Path) -> None:
        folders = [path.parent, *([path] if path.is_dir() else [])]
        for folder in folders:
            if folder in self._folders or not folder.is_dir():
                continue
            self._folders.add(folder)
            for name in sorted(folder.glob("*.json")):
                self.add(name)

    def add(self, path: Path) -> None:
        if path in self.records or path in self.damaged:
            return
        try:
            record = read_record(path)
        except DamagedRecordError as error:
            self.damaged[path] = error.what
            return
        except InputError:
            return  # e.g. not ours to read
        if record is None:
            return
        self.records[path] = record
        for entry in record.output_entries():
            for item in (entry, *entry.files):
                if item.digest is not None:
                    self.makers.setdefault(item.digest.sha256, []).append((record, item))
        # A report can itself be read by a run.
        itself = FileEntry("record", record.path, record.path.name, record.digest)
        self.makers.setdefault(record.digest.sha256, []).append((record, itself))
        for entry in record.input_entries():
            for item in (entry, *entry.files):
                if item.digest is not None:
                    self.readers.setdefault(item.digest.sha256, []).append((record, item))


class _Tracer:
    def __init__(
        self,
        roots: Sequence[os.PathLike[str] | str],
        keys: Sequence[PublicKey],
        progress: ProgressCallback | None,
    ) -> None:
        self._roots = roots
        self._keys = keys
        self._signatures = SignatureFinder(roots)
        self._index = _RecordIndex()
        self._finder = FileFinder(roots, progress)
        self._graph = Lineage("")
        self._edges: set[Edge] = set()

    def trace(self, file: Path, downstream: bool) -> Lineage:
        for root in self._roots:
            self._index.add_tree(root)
        self._index.add_beside(file)
        start = self._start(file, downstream)
        self._graph.target = start
        if downstream:
            self._walk_down(start)
        else:
            self._walk_up(start)
        self._graph.damaged = self._related_damage()
        self._settle_statuses()
        return self._graph

    def _start(self, file: Path, downstream: bool) -> str:
        if file.is_file() and (record := self._read_start_record(file)) is not None:
            self._add_run(record)
            for entry in record.output_entries():
                self._add_output(record, entry)
            return record.identity
        digest = self._digest(file)
        if digest is not None and self._is_known(file, digest, downstream):
            self._add_artefact(digest.sha256, digest.size, file, file.is_dir())
            return digest.sha256
        found = find_record(file, digest, self._roots)
        if found is not None:
            self._index.add(found.path)
            for entry in found.output_entries():
                for item in (entry, *entry.files):
                    if item.path == file and item.digest is not None:
                        self._add_entry(item)
                        return item.digest.sha256
        if digest is None:
            raise missing_file(file)
        raise no_record(file)

    def _read_start_record(self, file: Path) -> Record | None:
        record = read_record(file)
        if record is not None:
            self._index.add(record.path)
        return record

    def _is_known(self, file: Path, digest: Digest, downstream: bool) -> bool:
        if digest.sha256 in (self._index.readers if downstream else self._index.makers):
            return True
        return not downstream and short_form(file) is not None

    # Upstream: artefact <- run <- its inputs

    def _walk_up(self, start: str) -> None:
        queue, seen = [start], set()
        while queue:
            node = queue.pop(0)
            if node in seen:
                continue
            seen.add(node)
            if node in self._graph.runs:
                queue += self._add_inputs(node)
            else:
                queue += self._add_makers(node)

    def _add_makers(self, sha256: str) -> list[str]:
        artefact = self._graph.artefacts[sha256]
        for place in list(artefact.places):
            self._index.add_beside(place.path)
        found = []
        for record, entry in self._index.makers.get(sha256, ()):
            self._add_entry(entry)
            found.append(self._add_run(record))
            self._connect(record.identity, sha256, entry.name, "output")
        if not found and (run := self._add_embedded(artefact)) is not None:
            found.append(run)
        return found

    def _add_inputs(self, run: str) -> list[str]:
        node = self._graph.runs[run]
        if node.record is None:
            return [edge.source for edge in self._graph.before(run)]
        found = []
        for entry in self._index.records[node.record].input_entries():
            sha256 = self._add_entry(entry)
            if sha256 is None:
                continue
            self._connect(sha256, run, entry.name, "input")
            found.append(sha256)
            self._index.add_beside(entry.path)
            if sha256 not in self._index.makers:
                found += self._add_made_parts(entry, sha256)
        return found

    def _add_made_parts(self, entry: FileEntry, whole: str) -> list[str]:
        """Add the files of an input directory that runs of their own have made."""
        found = []
        for part in entry.files:
            if part.digest is None or part.digest.sha256 not in self._index.makers:
                continue
            sha256 = self._add_entry(part)
            assert sha256 is not None
            self._connect(sha256, whole, part.written_path, "part")
            found.append(sha256)
        return found

    def _add_embedded(self, artefact: Artefact) -> str | None:
        """Add a run from the short form inside an artefact whose record is lost."""
        for place in artefact.places:
            digest = self._digest(place.path)
            if digest is None or digest.sha256 != artefact.sha256:
                continue
            short = short_form(place.path)
            if short is None:
                continue
            run = f"embedded:{artefact.sha256}"
            version = " ".join(filter(None, (short.get("distribution"), short.get("version"))))
            self._graph.runs[run] = RunNode(
                run, version or "a run", version or None, None, "embedded", "its record is lost"
            )
            self._connect(run, artefact.sha256, "output", "output")
            for name, value in short["inputs"].items():
                for sha256 in value if isinstance(value, list) else [value]:
                    if isinstance(sha256, str):
                        self._add_artefact(sha256, None, None, False)
                        self._connect(sha256, run, name, "input")
            return run
        return None

    # Downstream: artefact -> the runs that read it -> their outputs

    def _walk_down(self, start: str) -> None:
        queue, seen = [start], set()
        while queue:
            node = queue.pop(0)
            if node in seen:
                continue
            seen.add(node)
            if node in self._graph.runs:
                record = self._graph.runs[node].record
                assert record is not None
                for entry in self._index.records[record].output_entries():
                    queue += self._add_output(self._index.records[record], entry)
                continue
            for record_of_reader, entry in self._index.readers.get(node, ()):
                self._add_entry(entry)
                self._add_run(record_of_reader)
                self._connect(node, record_of_reader.identity, entry.name, "input")
                queue.append(record_of_reader.identity)

    # Nodes and edges

    def _add_output(self, record: Record, entry: FileEntry) -> list[str]:
        sha256 = self._add_entry(entry)
        if sha256 is None:
            return []
        self._connect(record.identity, sha256, entry.name, "output")
        self._index.add_beside(entry.path)
        parts = [self._add_entry(part) for part in entry.files]
        known = [part for part in parts if part is not None and part in self._index.readers]
        for part in known:
            self._connect(sha256, part, "part", "part")
        for part in set(filter(None, parts)) - set(known):
            if not self._graph.before(part) and not self._graph.after(part):
                del self._graph.artefacts[part]
        return [sha256, *known]

    def _add_run(self, record: Record) -> str:
        if record.identity not in self._graph.runs:
            self._graph.runs[record.identity] = RunNode(
                record.identity,
                record.entrypoint,
                record.version,
                record.path,
                "damaged" if record.faults else "ok",
                "; ".join(record.faults) or None,
                self._signatures.signers(record, self._keys),
            )
        return record.identity

    def _add_entry(self, entry: FileEntry) -> str | None:
        if entry.digest is None:
            return None
        size = entry.digest.size if entry.digest.size >= 0 else None
        item = self._add_artefact(entry.digest.sha256, size, entry.path, entry.directory)
        if entry.role is not None and entry.role not in item.roles:
            item.roles.append(entry.role)
        return entry.digest.sha256

    def _add_artefact(
        self, sha256: str, size: int | None, path: Path | None, directory: bool
    ) -> Artefact:
        item = self._graph.artefacts.setdefault(sha256, Artefact(sha256, size, directory))
        item.size = size if item.size is None else item.size
        if path is not None and all(place.path != path for place in item.places):
            item.places.append(Place(path, "missing"))
        return item

    def _connect(
        self, source: str, target: str, name: str, kind: Literal["input", "output", "part"]
    ) -> None:
        edge = Edge(source, target, name, kind)
        if edge not in self._edges:
            self._edges.add(edge)
            self._graph.edges.append(edge)

    # What is on the disk now

    def _settle_statuses(self) -> None:
        for item in self._graph.artefacts.values():
            for place in item.places:
                digest = self._digest(place.path)
                if digest is None:
                    continue
                place.found = digest.sha256
                if digest.sha256 == item.sha256:
                    place.status = "same"
                else:
                    made = self._index.makers.get(digest.sha256, ())
                    later = any(entry.path == place.path for _, entry in made)
                    place.status = "superseded" if later else "changed"
            gone = all(place.status == "missing" for place in item.places)
            if item.places and gone and item.size is not None:
                first = item.places[0].path
                entry = FileEntry(
                    "", first, first.name, Digest(item.sha256, item.size), item.directory
                )
                found = self._finder.locate(entry)
                if found is not None:
                    item.places.append(Place(found, "moved", item.sha256))

    def _digest(self, path: Path) -> Digest | None:
        try:
            return self._finder.digest(path)
        except InputError:
            return None  # not ours to read any more

    def _related_damage(self) -> dict[Path, str]:
        """Unreadable records beside the files of the graph: they may have been part of it."""
        names = {
            place.path.name.encode("utf-8", "surrogateescape")
            for item in self._graph.artefacts.values()
            for place in item.places
        }
        return {
            path: reason
            for path, reason in self._index.damaged.items()
            if any(name in path.read_bytes() for name in names)
        }
