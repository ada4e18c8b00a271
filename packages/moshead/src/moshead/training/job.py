"""One training run as the trainers of corpora describe it."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from moshead.corpus.rows import CorpusGuard, RowOptions
from moshead.corpus.sources import Source
from moshead.features.matrix import read_display_profile
from moshead.training.cross_validation.options import TrainingOptions
from moshead.training.destinations import Destinations, PathLike

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from labeljoin.formats import FrameFacts
    from labeljoin.keys import KeyNormalize
    from provenance.toolkit import ProgressCallback

    from moshead.baselines.worth import BaselineChoice
    from moshead.features.schemas import FeatureSchema


class TrainerOptions(TypedDict, total=False):
    """What every trainer takes besides its rows; each may be left out.

    Attributes:
        smoke: Train on synthetic rows; feature tables only serve to resolve globs then.
        key_column: The column of clip keys; what the table remembers, else what its column names
            tell, by default.
        key_normalize: How its values become clip keys: ``auto``, ``raw``, ``basename`` or
            ``stem``; what the table remembers, else ``auto``, by default.
        key_regex: Regular expression searched in the normalised value; its first group, else the
            whole match, is the clip key.
        max_keyless_rate: Largest share of the labelled rows of a table, in [0, 1], that may lack
            a clip key; such rows are dropped and counted. 0.05 by default.
        group_column: Rows of one group never straddle folds.
        split_column: Column of train, val and test; by default ``split``, if it exists.
        rating_sd_ddof: What published deviations of ratings were divided by: 1 for n - 1 (the
            default), 0 for n. Only for labels without ``mos_standard_error``.
        training: How the head is trained and judged.
        destinations: Where the run writes.
        baselines: ``auto``: every stock regressor that is installed judges beside the head;
            ``simple``: ridge alone. Single columns always do.
        leave_one_corpus_out: Also train on all corpora but one and judge on that one, for each.
        trained_on: ``SCORER=CORPUS`` each: what a scorer was trained on, before what is known.
        allow_synthetic_fallback: For old scripts: train on synthetic rows where none has a MOS.
        progress: Called as training advances.
    """

    smoke: bool
    key_column: str | None
    key_normalize: KeyNormalize | None
    key_regex: str | None
    max_keyless_rate: float
    group_column: str | None
    split_column: str | None
    rating_sd_ddof: Literal[0, 1]
    training: TrainingOptions | None
    destinations: Destinations | None
    baselines: BaselineChoice
    leave_one_corpus_out: bool
    trained_on: Sequence[str]
    allow_synthetic_fallback: bool
    progress: ProgressCallback | None


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training run.

    Attributes:
        entrypoint: The command that it is.
        module: The module that describes it.
        model_id: Name of the head.
        sources: Feature tables.
        corpora: Name of the corpus of each, None where its rows say; empty where none is named.
        schema: Name of a built-in schema, or a TOML file.
        inputs: What the run record names as its inputs.
        args: What it names as its arguments, beside those that all trainers take.
        display_profile: Display that fills display columns which rows lack.
        usual_group_column: The group column unless one is given.
        guard: Refuses the rows of other corpora.
        notes: Sentences that belong in manifest and card.
        options: What all trainers take.
    """

    entrypoint: str
    module: str
    model_id: str
    sources: tuple[Path | Source, ...]
    schema: PathLike
    inputs: Mapping[str, Any]
    args: Mapping[str, Any]
    display_profile: PathLike | None = None
    corpora: tuple[str | None, ...] = ()
    usual_group_column: str | None = None
    guard: CorpusGuard | None = None
    notes: tuple[str, ...] = ()
    options: TrainerOptions = field(default_factory=TrainerOptions)

    def __post_init__(self) -> None:
        unknown = sorted(self.options.keys() - TrainerOptions.__annotations__.keys())
        if unknown:
            raise TypeError(f"{self.entrypoint} got an unexpected option {unknown[0]!r}")

    @property
    def smoke(self) -> bool:
        """Whether the rows are synthetic by request."""
        return self.options.get("smoke", False)

    @cached_property
    def training(self) -> TrainingOptions:
        """How the head is trained and judged."""
        return self.options.get("training") or TrainingOptions()

    @cached_property
    def destinations(self) -> Destinations:
        """Where the run writes."""
        return self.options.get("destinations") or Destinations()

    @cached_property
    def rows(self) -> RowOptions:
        """How rows are read."""
        split_column = self.options.get("split_column")
        profile = self.display_profile
        return RowOptions(
            key_column=self.options.get("key_column"),
            key_normalize=self.options.get("key_normalize"),
            key_regex=self.options.get("key_regex"),
            max_keyless_rate=self.options.get("max_keyless_rate", 0.05),
            rating_sd_ddof=self.options.get("rating_sd_ddof", 1),
            group_column=self.options.get("group_column") or self.usual_group_column,
            split_column=split_column or "split",
            split_required=split_column not in (None, "split"),
            display={} if profile is None else read_display_profile(Path(profile)),
            guard=self.guard,
        )

    def row_args(self) -> dict[str, Any]:
        """The options that shape the rows, by name, as they were given."""
        names = ("key_column", "key_normalize", "key_regex", "group_column", "split_column")
        return {
            "smoke": self.smoke,
            **{name: self.options.get(name) for name in names},
            "max_keyless_rate": self.options.get("max_keyless_rate", 0.05),
        }

    def all_args(self) -> dict[str, Any]:
        """All options by name, as the run record holds them."""
        places = self.destinations
        return {
            **self.args,
            "model_id": self.model_id,
            **self.row_args(),
            "allow_synthetic_fallback": self.options.get("allow_synthetic_fallback", False),
            **asdict(self.training),
            "out_onnx": as_text(places.onnx),
            "out_manifest": as_text(places.manifest),
            "out_card": as_text(places.card),
            "out_oof": as_text(places.oof),
            "registry": as_text(places.registry),
            "no_export": not places.export,
            "require_gate": places.require_gate,
            "require_gain": places.require_gain,
            "rating_sd_ddof": self.options.get("rating_sd_ddof", 1),
            "baselines": self.options.get("baselines", "auto"),
            "leave_one_corpus_out": self.options.get("leave_one_corpus_out", False),
            "trained_on": list(self.options.get("trained_on") or ()),
        }

    def frames(self) -> list[FrameFacts]:
        """What data frames among the sources held."""
        facts = [each.recorded() for each in self.sources if isinstance(each, Source)]
        return [each for each in facts if not isinstance(each, str)]

    def content_args(self, schema: FeatureSchema) -> dict[str, Any]:
        """What shapes the head besides its rows; no paths, for the record that it carries."""
        return {
            "model_id": self.model_id,
            "feature_schema_id": schema.id,
            **self.row_args(),
            **{
                name: value
                for name, value in asdict(self.training).items()
                # Left out where nobody asked, so that the default adds nothing to a head.
                if (name != "weights" or value is not None) and (name != "align" or value != "none")
            },
            **({"frames": self.frames()} if self.frames() else {}),
        }


def as_path(path: PathLike | None) -> Path | None:
    """A path as an input of a run record."""
    return None if path is None else Path(path)


def as_text(path: PathLike | None) -> str | None:
    """A path as an argument of a run record."""
    return None if path is None else os.fspath(path)
