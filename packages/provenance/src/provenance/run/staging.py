"""Outputs that appear whole or not at all: written to a temporary beside them, then renamed."""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path

from provenance.record.entry import PrefixClaim
from provenance.record.hashing import TEMPORARY_PREFIX, Digest, directory_files
from provenance.run.locks import FORMER, lock_output, mark_of, remove, remove_leftovers
from provenance.run.placing import put_in_place, signals_deferred
from provenance.stores import ObjectPath, as_path
from provenance.toolkit import InputError, MoskitError, OutputError
from provenance.toolkit.process.interruption import begin_work

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


REPLAY_VARIABLE = "PROVENANCE_REPLAY_FOLDER"
"""Set for the command that ``replay`` runs: outputs that would lie outside of this folder are
written below it, so that a replay can never replace a file of the user's."""


class StagedOutput(os.PathLike[str]):
    """An output while it is made: write to it as to a path.

    Attributes:
        name: The output's name in the record.
        destination: Where it will appear.
        path: The temporary to write to; a directory where ``directory`` is true.
        role: What the output is to its reader, e.g. ``feature-table``.
        directory: Whether the output is a directory of parts.
    """

    def __init__(self, name: str, destination: Path, *, role: str, directory: bool) -> None:
        self.name = name
        self.destination = destination
        self.role = role
        self.directory = directory
        self.digest: Digest | None = None
        self.part_digests: dict[str, Digest] = {}
        self.prefixes: dict[str | None, PrefixClaim] = {}
        self._prepare_place()

    def _prepare_place(self) -> None:
        """Make the temporary to write to, beside the destination."""
        destination, directory = self.destination, self.directory
        if isinstance(destination, ObjectPath) and not is_replay():
            raise InputError(
                "This is written to this machine only",
                where=os.fspath(destination),
                fix="Give a path, and copy the file",
                code="output.local-only",
            )
        self._target = _real_target(destination, directory=directory)
        self._mark = mark_of(self._target.name)
        self._former: Path | None = None
        self._is_new = False
        self._made_folders = _make_folders(self._target.parent)
        try:
            self._lock = lock_output(self._target, self._mark)
            try:
                remove_leftovers(self._target, self._mark)
                self.path = self._temporary(self._target.suffix)
                if directory:
                    self.path.mkdir()
            except BaseException:
                self._release()
                raise
        except BaseException as error:
            self._remove_made_folders()
            if isinstance(error, OSError):
                raise output_error(destination, error) from error
            raise

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __repr__(self) -> str:
        return f"StagedOutput({self.name!r}, {os.fspath(self.destination)!r})"

    def set_digest(self, digest: Digest, *, part: os.PathLike[str] | str | None = None) -> None:
        """Pass on the digest of what was written that was taken while writing.

        Args:
            digest: Digest of the file, or of one part.
            part: The part of a directory output that it belongs to: its path below the output.
        """
        if part is None:
            self.digest = digest
        else:
            self.part_digests[self._relative(part)] = digest

    def claim_prefix(
        self,
        *,
        input: str,
        path: os.PathLike[str] | str,
        size: int,
        sha256: str | None = None,
        part: os.PathLike[str] | str | None = None,
    ) -> None:
        """Claim that this output begins with the first bytes of an input, for ``verify`` to check.

        Args:
            input: The input's name.
            path: The input's file.
            size: How many bytes the two have in common.
            sha256: SHA-256 of those bytes where it was taken on the way; the claim can then be
                checked when the input is gone.
            part: The part of a directory output that makes the claim.
        """
        key = None if part is None else self._relative(part)
        self.prefixes[key] = PrefixClaim(input, as_path(path), size, sha256)

    def _relative(self, part: os.PathLike[str] | str) -> str:
        path = as_path(part)
        for root in (self.path, self.destination):
            with suppress(ValueError):
                return path.relative_to(root).as_posix()
        return path.as_posix()

    # What follows is called by the run that owns the output.

    def flush(self) -> None:
        """Force what was written to the disk."""
        if not self.path.exists():
            raise RuntimeError(f"the output {self.name} was staged and never written")
        if self.directory:
            for name in directory_files(self.path):
                _fsync(self.path / name)
        _fsync(self.path)

    def prepare(self) -> None:
        """See, before any output is put in its place, that this one may be.

        Raises:
            InputError: The folder in its place holds files that the run does not write.
        """
        if not self.directory or not self._target.exists():
            return
        foreign = set(directory_files(self._target)) - set(directory_files(self.path))
        if foreign:
            raise InputError(
                f"The folder holds {min(foreign)}, which this run does not write",
                where=os.fspath(self.destination),
                fix="Remove the folder or choose another one",
                code="output.foreign-files",
            )

    def commit(self) -> None:
        """Put the output in its place, in one step if the system has one.

        What was there before is kept aside until :meth:`finish`, for :meth:`undo`.

        Raises:
            OutputError: The system refuses it.
        """
        try:
            if self.directory:
                self._commit_directory()
            else:
                self._commit_file()
            _fsync(self._target.parent)
        except OSError as error:
            raise output_error(self.destination, error) from error

    def undo(self) -> None:
        """Put back what was there before :meth:`commit`."""
        if self._former is not None:
            if self.directory and self._target.exists():
                if _exchange(self._former, self._target):
                    return
                self._target.rename(self.path)
            self._former.replace(self._target)
            remove(self._former)  # where both names were still those of one file
        elif self._is_new:
            remove(self._target)  # which needs no space, where a new name would

    def finish(self) -> None:
        """Drop what was there before, and let the next run write this output."""
        if self._former is not None:
            remove(self._former)
        self._made_folders = []
        self._release()

    def discard(self) -> None:
        """Remove what was written; the destination stays as it was."""
        remove(self.path)
        self._release()
        self._remove_made_folders()

    def _commit_file(self) -> None:
        if self._target.exists():
            self.path.chmod(stat.S_IMODE(self._target.stat().st_mode))
            former = self._temporary("")
            with suppress(OSError):  # without hard links there is no way back, and no harm done
                os.link(self._target, former)
                self._former = former
        is_new = not self._target.exists()
        self.path.replace(self._target)
        self._is_new = is_new

    def _commit_directory(self) -> None:
        if not self._target.exists():
            self.path.rename(self._target)
            self._is_new = True
        elif _exchange(self.path, self._target):
            self._former = self.path
        else:
            # Without an atomic exchange the old folder is out of its place for a moment. A run
            # that dies in it leaves it under a name by which the next one puts it back.
            former = self._temporary(FORMER)
            self._target.rename(former)
            self._former = former
            self.path.rename(self._target)

    def _temporary(self, suffix: str) -> Path:
        name = f"{TEMPORARY_PREFIX}{self._mark}-{secrets.token_hex(4)}{suffix}"
        return self._target.parent / name

    def _release(self) -> None:
        if not self._lock.is_locked:
            return  # the lock's path may be another run's by now
        with suppress(OSError):
            Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()

    def _remove_made_folders(self) -> None:
        for folder in self._made_folders:
            with suppress(OSError):
                folder.rmdir()
        self._made_folders = []


def write_atomically(destination: os.PathLike[str] | str, content: bytes) -> None:
    """Write a file that needs no record so that it appears whole or not at all.

    Raises:
        InputError: Something that is no file is in its place.
        OutputError: It cannot be written.
    """
    begin_work()
    output = None
    try:
        with signals_deferred():
            output = StagedOutput("out", as_path(destination), role="file", directory=False)
        output.path.write_bytes(content)
        output.flush()
        with signals_deferred() as arrived:
            put_in_place([output], arrived)
    except OSError as error:
        raise output_error(destination, error) from error
    finally:
        if output is not None:
            output.discard()


def output_error(path: os.PathLike[str] | str, error: OSError) -> MoskitError:
    """Return the output error that says why ``path`` cannot be written."""
    where = os.fspath(path)
    if error.errno in _NO_SPACE:
        return OutputError(
            "There is no space left to write it",
            where=where,
            fix="Free some space",
            code="output.no-space",
        )
    if error.errno in _DENIED:
        return OutputError(
            "There is no permission to write it",
            where=where,
            fix="Choose a folder that you may write to",
            code="output.no-permission",
        )
    return OutputError(
        f"It cannot be written ({error.strerror or error})",
        where=where,
        fix="Choose another place",
        code="output.failed",
    )


def failed_output(error: OSError, outputs: list[StagedOutput]) -> StagedOutput | None:
    """Return the output that caused ``error``, or None."""
    if error.filename is not None:
        name = os.fsdecode(error.filename)
        for output in outputs:
            if name.startswith((os.fspath(output.path), os.fspath(output.destination))):
                return output
    if error.errno in (*_NO_SPACE, errno.EIO) and outputs:
        return outputs[-1]
    return None


def _real_target(destination: Path, *, directory: bool) -> Path:
    """Return where the bytes go: the end of a symbolic link, so that the link itself stays."""
    try:
        target = destination.resolve()
        # Links in a circle: Python up to 3.12 raises, later ones stop at one of them. Of a link to
        # what is not there, nobody knows that it was meant to make folders and files elsewhere.
        leads_nowhere = target.is_symlink() or (destination.is_symlink() and not target.exists())
    except (OSError, RuntimeError):
        leads_nowhere = True
    if leads_nowhere:
        raise InputError(
            "The output is a link that leads nowhere",
            where=os.fspath(destination),
            fix="Remove the link or choose another name",
            code="output.dangling-link",
        )
    target = written_place(target)
    if directory:
        if target.exists() and not target.is_dir():
            raise InputError(
                "The output is a directory of parts, and a file is in its place",
                where=os.fspath(destination),
                fix="Remove the file or choose another name",
                code="output.file-in-place",
            )
    elif target.is_dir():
        raise InputError(
            "The output is a file, and a folder is in its place",
            where=os.fspath(destination),
            fix="Give the file a name of its own",
            code="output.folder-in-place",
        )
    elif target.exists() and not target.is_file():
        raise InputError(
            "The output is a device or a pipe, where no file can be renamed to",
            where=os.fspath(destination),
            fix="Write to a file",
            code="output.special",
        )
    return target


def written_place(target: Path) -> Path:
    """Return where an output for ``target`` is put: there, or below the folder of a replay."""
    replay_folder = os.environ.get(REPLAY_VARIABLE)
    return target if replay_folder is None else replay_target(target.absolute(), replay_folder)


def is_replay() -> bool:
    """Return whether this process is the command of a replay."""
    return REPLAY_VARIABLE in os.environ


def replay_target(target: Path, folder: os.PathLike[str] | str) -> Path:
    """Return where a run that is replayed in ``folder`` puts an output for ``target``."""
    if target.is_relative_to(folder):
        return target
    if isinstance(target, ObjectPath):
        return Path(folder, "outside", *target.url.replace("://", "/", 1).split("/"))
    return Path(folder, "outside", *target.parts[1:])


def _make_folders(folder: Path) -> list[Path]:
    """Make ``folder`` and what is missing above it; return what was made, the innermost first."""
    missing = []
    probe = folder
    while not probe.exists():
        missing.append(probe)
        probe = probe.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from error
    return missing


def _fsync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return  # e.g. a folder on Windows
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems have no fsync for folders; running out of space shows here too.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        os.close(descriptor)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names atomically (Linux renameat2 with RENAME_EXCHANGE); False if impossible."""
    if not sys.platform.startswith("linux"):
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    at_cwd, exchange = -100, 2
    outcome = renameat2(at_cwd, os.fsencode(one), at_cwd, os.fsencode(other), exchange)
    if outcome == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), os.fspath(other))
