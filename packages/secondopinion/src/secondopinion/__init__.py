r"""Join the scores that third-party quality models have already written.

The rooms of the package, in reading order:

* ``scorers``: known scorers, their scales and directions, and the columns they get;
* ``scores``: score files, their rows, and the members that hold a score;
* ``readers``: one file per layout, behind one class; other packages can add layouts;
* ``joining``: the join, the inspection, the audit and the batch;
* ``cli``: the command ``secondopinion``, one module per subcommand.

``facts`` defines the audits and reports as types, and ``documents`` makes their JSON Schemas.

Example:
    >>> import tempfile, pathlib
    >>> import secondopinion
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "features.csv").write_text("clip_id,adm2\na,0.9\nb,0.8\n")
    >>> _ = (folder / "niqe.json").write_text('{"a.mp4": 4.1, "b.mp4": 7.3}')
    >>> audit = secondopinion.join_file(
    ...     folder / "features.csv", [folder / "niqe.json"], folder / "scored.csv"
    ... )
    >>> audit["scorers"][0]["slug"], audit["ok_scores"]
    ('niqe', 2)
"""

from provenance.toolkit import public_names

__getattr__, __dir__, __all__ = public_names(
    __name__,
    __file__,
    "moskit-secondopinion",
    moved={
        "secondopinion.joining": ("SCORE_BATCH",),
        "secondopinion.readers": (
            "Fields",
            "ScoreBatch",
            "ScoreFile",
            "ScoreReader",
            "ScoreRow",
        ),
    },
    renamed={"materialize": ("secondopinion", "join_file")},
)
