r"""What made this file? Run records, staged outputs, and the tools to check them offline.

A run stages its outputs and leaves a record beside them. Months later, the record proves which
bytes went in and came out:

>>> import tempfile
>>> from pathlib import Path
>>> from provenance import start_run, trace, verify
>>> folder = Path(tempfile.mkdtemp())
>>> _ = (folder / "labels.csv").write_text("clip,mos\n1.mp4,3.5\n")
>>> with start_run("clean.py", inputs={"labels": folder / "labels.csv"}) as run:
...     out = run.stage("out", folder / "clean.csv", kind="labels")
...     _ = Path(out).write_text("clip,mos\n1,3.5\n")
...     run.record(folder / "clean.json", {"schema": "cleaning-v1"})
>>> verify(folder / "clean.csv").ok
True
>>> [item.path.name for item in trace(folder / "clean.csv").raw_files()]
['labels.csv']

The rooms, in reading order:

* ``toolkit``: the command line, errors and exit codes that all moskit packages share. A public
  module for the sibling packages.
* ``stores``: object stores: paths that are URLs, read by ranges and published in one step. Public
  for the sibling packages too.
* ``documents``: the record, its short form and the outcomes of checks, as types.
* ``record``: the record itself: hashing, its documents, finding it, its embedded short form.
* ``run``: a run from start to end: inputs, staged outputs, locks, and the record that it leaves.
* ``checks``: verify a record's files, or replay its command.
* ``lineage``: the graph of runs and files that led to a file, and its pictures.
* ``exports``: the record in standard formats, one module a format.
* ``cli``: the ``provenance`` command, one module a subcommand.
"""

from provenance.toolkit.deprecation import public_names

__getattr__, __dir__, __all__ = public_names(
    __name__,
    __file__,
    "moskit-provenance",
    moved={
        "provenance.toolkit": (
            "InputError",
            "OutputError",
            "ProgressCallback",
            "VerdictError",
            "canonical_bytes",
            "content_digest",
            "document_bytes",
            "processors",
        ),
        "provenance.record": (
            "DamagedRecordError",
            "Digest",
            "DirectoryDigest",
            "EMBEDDED_KEY",
            "combine_digests",
            "hash_directory",
            "hash_files",
            "read_embedded",
            "short_record_bytes",
        ),
        "provenance.run": ("StagedOutput",),
        "provenance.checks": (
            "Replay",
            "Verification",
        ),
        "provenance.lineage": ("Lineage",),
    },
)
