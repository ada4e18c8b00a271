"""Compare candidates: read, predict, score, write."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labeljoin.labels import parse_trained_on
from provenance import start_run
from provenance.toolkit import InputError, ProgressCallback, VerdictError

from moshead.baselines.regressors import require_stock
from moshead.comparison.findings import judge_candidates
from moshead.comparison.preparation import (
    choose_protocol,
    corpora_protocol,
    list_candidates,
    match_earlier,
)
from moshead.comparison.protocol import MAPPINGS, PROTOCOLS, ProtocolKind
from moshead.comparison.protocol import Mapping as MappingKind
from moshead.comparison.rows import open_sources, plan_columns, read_rows
from moshead.corpus.rows import RowOptions
from moshead.corpus.sources import split_name
from moshead.documents import comparison as model
from moshead.training.destinations import oof_writer

if TYPE_CHECKING:
    import pyarrow as pa
    from labeljoin.keys import KeyNormalize

    from moshead.features.schemas import FeatureSchema

PathLike = str | os.PathLike[str]

DEFAULT_SEED = 20260508


class NotBetterError(VerdictError):
    """The first candidate is not surely better than the one it was required to beat."""


@dataclass(frozen=True)
class Comparison:
    """Candidates compared on the same clips and folds.

    Attributes:
        document: The comparison (``mos-comparison-v1``), with its run record where it was written.
        predictions: Out-of-fold predictions: ``candidate, key, fold, seed, mos, mos_pred``, with
            ``group`` and ``corpus`` where known.
    """

    document: dict[str, Any]
    predictions: pa.Table

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        return str(self.document["sentence"])

    @cached_property
    def markdown(self) -> str:
        """The comparison as Markdown."""
        from moshead.comparison.report.rendering import comparison_markdown

        return comparison_markdown(self.document)

    @cached_property
    def latex(self) -> str:
        """The table of figures for a paper, as LaTeX."""
        from moshead.comparison.report.rendering import comparison_latex

        return comparison_latex(self.document)

    @cached_property
    def html(self) -> str:
        """The comparison as one self-contained page."""
        from moshead.comparison.report.rendering import comparison_page

        return comparison_page(self.document, self.predictions)

    def _repr_html_(self) -> str:
        from moshead.comparison.report.rendering import comparison_summary

        return comparison_summary(self.document)

    def __repr__(self) -> str:
        names = ", ".join(each["name"] for each in self.document["candidates"])
        return f"Comparison({names}: {self.sentence})"


def compare(
    features: Any,
    *,
    models: Mapping[str, PathLike | FeatureSchema] | Sequence[str] = (),
    scores: Sequence[str] = (),
    oof: Mapping[str, PathLike] | Sequence[str] = (),
    baselines: bool = False,
    recipe: str = "auto",
    protocol: ProtocolKind = "folds",
    splits: int = 100,
    k_folds: int = 5,
    seeds: int = 5,
    seed: int = DEFAULT_SEED,
    mapping: MappingKind | None = None,
    key_column: str | None = None,
    group_column: str | None = None,
    split_column: str | None = None,
    key_normalize: KeyNormalize | None = None,
    key_regex: str | None = None,
    max_keyless_rate: float = 0.05,
    corpus: str | None = None,
    leave_one_corpus_out: bool = False,
    trained_on: Sequence[str] = (),
    reference: str | None = None,
    require_better: str | None = None,
    out_json: PathLike | None = None,
    out_md: PathLike | None = None,
    out_tex: PathLike | None = None,
    out_html: PathLike | None = None,
    out_oof: PathLike | None = None,
    progress: ProgressCallback | None = None,
) -> Comparison:
    """Compare candidates on the same clips and folds.

    Candidates come in this order: models, out-of-fold files, score columns, stock regressors.
    Every candidate predicts the held-out rows of every fold, having learned from its training rows
    alone. Differences are paired: their intervals come from a bootstrap over clips or groups that
    redraws the same clips for all.

    Args:
        features: Labelled tables: ``[CORPUS=]PATH`` or a data frame (pandas, polars, Arrow), one
            or several.
        models: Heads to train: ``[NAME=]SCHEMA``, or schemas by name. A schema is the name of a
            built-in one, a TOML file or a :class:`moshead.features.FeatureSchema`.
        scores: Score columns, judged as they stand after a logistic mapping.
        oof: Out-of-fold files of earlier runs, ``NAME=PATH`` or paths by name.
        baselines: Also ridge regression, SVR, LightGBM and random forest, on the columns of the
            first model, or on all numeric columns without a model.
        recipe: Head family of the models, as for training.
        protocol: ``folds``: the mean over k folds; ``splits``: the median over random 80/20 splits.
        splits: Random splits.
        k_folds: Folds. Where an out-of-fold file holds every row, its folds are taken.
        seeds: Seeds of candidates that have randomness; only with ``folds``.
        seed: Draws folds or splits; the first of the seeds.
        mapping: ``training`` or ``held-out``, see :class:`moshead.comparison.protocol.Protocol`;
            ``training`` for folds and ``held-out`` for splits by default.
        key_column: Clip key column.
        key_normalize: How its values become clip keys.
        key_regex: Regular expression that finds the clip key in a value.
        max_keyless_rate: Largest share of rows without a clip key, in [0, 1].
        group_column: Rows of one group never straddle folds, and are redrawn together.
        split_column: Column of train, val and test; ``split`` by default, if it exists. Rows
            of ``test`` are left alone; with ``train`` and ``val``, the folds are that one split.
        corpus: Name of the judged corpus, where the tables do not say.
        leave_one_corpus_out: Each fold holds out one corpus whole, and all others are trained on.
        trained_on: ``SCORER=CORPUS``: what a scorer was trained on.
        reference: Compare every candidate with this one only; all pairs by default.
        require_better: Raise unless the first candidate beats this one.
        out_json: Where the document goes.
        out_md: Where the comparison goes as Markdown.
        out_tex: Where the table of figures goes as LaTeX.
        out_html: Where the page goes.
        out_oof: Where the predictions go, ``.parquet`` or ``.csv``.
        progress: Called as the comparison advances.

    Returns:
        The comparison.

    Raises:
        InputError: Rows, candidates or options are unusable.
        NotBetterError: The first candidate does not beat ``require_better`` with an interval of
            the PLCC difference above 0; everything was written.

    Example:
        >>> import moshead, numpy, pyarrow
        >>> rng = numpy.random.default_rng(0)
        >>> quality = rng.normal(size=200)
        >>> frame = pyarrow.table({
        ...     "clip": [f"c{n}" for n in range(200)],
        ...     "mos": numpy.clip(3 + 0.6 * quality + rng.normal(size=200) / 5, 1, 5),
        ...     "good": quality, "poor": quality + 2 * rng.normal(size=200)})
        >>> result = moshead.compare(frame, scores=["good", "poor"], key_column="clip")
        >>> [candidate["name"] for candidate in result.document["candidates"]]
        ['good', 'poor']
        >>> result.document["pairs"][0]["plcc"]["low"] > 0
        True
    """
    _check_options(protocol, mapping, splits, k_folds, seeds, seed)
    if baselines:
        require_stock()
    if out_oof is not None:
        oof_writer(Path(out_oof))
    named_models = _named(models)
    named_oof = {name: Path(os.fspath(path)) for name, path in _named(oof).items()}
    sources = open_sources(features)
    asked = {
        "models": {
            name: os.fspath(each) if isinstance(each, str | os.PathLike) else each.id
            for name, each in named_models.items()
        },
        "scores": list(scores),
        "oof": {name: os.fspath(path) for name, path in named_oof.items()},
    }
    with start_run(
        "moshead compare",
        distribution="moskit-moshead",
        module="moshead.comparison.comparing",
        inputs={
            "features": [s.path for _, s in sources if not s.in_memory],
            "models": [
                Path(os.fspath(each))
                for each in named_models.values()
                if isinstance(each, str | os.PathLike) and Path(os.fspath(each)).is_file()
            ],
            "oof": list(named_oof.values()),
        },
        args={
            "features": [s.recorded() for _, s in sources],
            **asked,
            "baselines": baselines,
            "recipe": recipe,
            "protocol": protocol,
            "splits": splits,
            "k_folds": k_folds,
            "seeds": seeds,
            "seed": seed,
            "mapping": mapping,
            "key_column": key_column,
            "key_normalize": key_normalize,
            "key_regex": key_regex,
            "max_keyless_rate": max_keyless_rate,
            "group_column": group_column,
            "split_column": split_column,
            "corpus": corpus,
            "leave_one_corpus_out": leave_one_corpus_out,
            "trained_on": list(trained_on),
            "reference": reference,
            "require_better": require_better,
            "out_json": _text(out_json),
            "out_md": _text(out_md),
            "out_tex": _text(out_tex),
            "out_html": _text(out_html),
            "out_oof": _text(out_oof),
        },
        progress=progress,
    ) as run:
        wanted = plan_columns(
            [source for _, source in sources],
            named_models,
            scores,
            regressors=baselines,
            apart=(key_column, group_column, split_column),
        )
        rows = read_rows(
            sources,
            wanted,
            RowOptions(
                key_column=key_column,
                key_normalize=key_normalize,
                key_regex=key_regex,
                max_keyless_rate=max_keyless_rate,
                group_column=group_column,
                split_column=split_column or "split",
                split_required=split_column not in (None, "split"),
            ),
            corpus=corpus,
            trained_on=parse_trained_on(trained_on),
            progress=progress,
        )
        if baselines is False and not (named_models or named_oof or scores):
            raise InputError(
                "there is nothing to compare",
                fix="Give --model, --scores, --oof or --baselines",
                code="compare.no-candidates",
            )
        rows, earlier, notes = match_earlier(rows, named_oof)
        if leave_one_corpus_out:
            setting = corpora_protocol(rows, mapping)
        else:
            setting = choose_protocol(
                rows, earlier, protocol, splits, k_folds, seed, mapping, notes
            )
        candidates = list_candidates(
            rows,
            wanted,
            earlier,
            setting,
            baselines=baselines,
            recipe=recipe,
            seeds=seeds,
            seed=seed,
        )
        document, predictions = judge_candidates(
            rows,
            [source.where for _, source in sources],
            setting,
            candidates,
            seeds=tuple(seed + n for n in range(seeds if protocol == "folds" else 1)),
            reference=reference,
            require_better=require_better,
            notes=notes,
            progress=progress,
        )
        result = Comparison(model.plain(document), predictions)
        for kind, path in (("out_md", out_md), ("out_tex", out_tex), ("out_html", out_html)):
            if path is not None:
                staged = run.stage(kind, path, kind="report")
                text = {"out_md": "markdown", "out_tex": "latex", "out_html": "html"}[kind]
                Path(staged).write_text(getattr(result, text), encoding="utf-8")
        if out_oof is not None:
            staged = run.stage("oof", out_oof, kind="oof-predictions")
            oof_writer(Path(out_oof))(result.predictions, os.fspath(staged))
        written = [path for path in (out_md, out_tex, out_html, out_oof) if path is not None]
        if out_json is not None:
            run.record(out_json, result.document, kind="report")
        elif written:
            run.record(f"{os.fspath(written[0])}.audit.json", result.document, kind="report")
    if out_json is not None or written:
        result = replace(result, document=run.document)
    required = result.document["requirement"]
    if required is not None and not required["passed"]:
        raise NotBetterError(
            required["sentence"].rstrip("."),
            where=rows.where,
            document=result.document,
            code="compare.not-better",
        )
    return result


def _check_options(
    protocol: str, mapping: str | None, splits: int, k_folds: int, seeds: int, seed: int
) -> None:
    if protocol not in PROTOCOLS:
        raise InputError(
            f"there is no protocol {protocol!r}", fix="Use folds or splits", code="compare.protocol"
        )
    if mapping is not None and mapping not in MAPPINGS:
        raise InputError(
            f"there is no mapping {mapping!r}",
            fix="Use training or held-out",
            code="compare.mapping",
        )
    for name, value, least in (
        ("splits", splits, 1),
        ("k-folds", k_folds, 2),
        ("seeds", seeds, 1),
        ("seed", seed, 0),
    ):
        if value < least:
            raise InputError(
                f"--{name} {value} is too small",
                fix=f"Give {least} or more",
                code="compare.too-small",
            )


def _named(given: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """Values by name, from a mapping or from ``[NAME=]VALUE`` words."""
    if isinstance(given, Mapping):
        return dict(given)
    named: dict[str, Any] = {}
    for text in given:
        name, value = split_name(text)
        name = name or Path(value).stem
        if name in named:
            raise InputError(
                f"two candidates are named {name!r}",
                fix="Give each a name of its own: NAME=…",
                code="compare.candidate-twice",
            )
        named[name] = value
    return named


def _text(path: PathLike | None) -> str | None:
    return None if path is None else os.fspath(path)
