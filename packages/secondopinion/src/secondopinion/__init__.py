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

from typing import Any

import lazy_loader as lazy

_public_name, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

_MOVED = {
    "SCORE_BATCH": "secondopinion.joining",
    "Fields": "secondopinion.readers",
    "ScoreBatch": "secondopinion.readers",
    "ScoreFile": "secondopinion.readers",
    "ScoreReader": "secondopinion.readers",
    "ScoreRow": "secondopinion.readers",
}
"""Names of the first release that stay at the top for one more, with a warning."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("moskit-secondopinion")
    if name in _MOVED:
        from provenance.toolkit import moved_name

        return moved_name(__name__, name, _MOVED[name])
    if name == "materialize":
        from provenance.toolkit import moved_name

        return moved_name(__name__, name, "secondopinion", "join_file")
    return _public_name(name)
