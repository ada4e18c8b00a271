"""MOS from single ratings: the tables, the audit, and the run that writes them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labeljoin.labels.remembered import SCALE_METADATA
from labeljoin.ratings import audit as documents
from labeljoin.ratings.methods.estimates import Estimate, estimate
from labeljoin.ratings.methods.precision import Ceiling, noise_ceiling
from labeljoin.ratings.methods.raters import Remarks, correlation_with_rest, remark
from labeljoin.ratings.methods.sos import SosFit, fit_sos
from labeljoin.ratings.options import RatingOptions
from labeljoin.ratings.rated import RatedClips
from labeljoin.ratings.reading.collection import SAMPLE, Collection, Counted, collect
from labeljoin.ratings.reading.layouts import Ratings, read_ratings, take_ratings
from labeljoin.ratings.reading.reference import differential_votes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

    from labeljoin.ratings.votes import Floats, Votes

PathLike = str | os.PathLike[str]


def estimate_mos(
    ratings: PathLike | Sequence[PathLike],
    out: PathLike,
    *,
    options: RatingOptions | None = None,
    out_raters: PathLike | None = None,
    out_html: PathLike | None = None,
    audit_json: PathLike | None = None,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    r"""Make MOS of single ratings, and write them with their precision.

    Args:
        ratings: One file or several: long tables, matrices, or sureal datasets.
        out: The table of clips; CSV, parquet or JSONL by its suffix.
        options: Method, columns, scale and policies.
        out_raters: The table of raters, likewise.
        out_html: A page for people.
        audit_json: Where the audit goes; ``<out>.audit.json`` if None.
        progress: Called while reading and writing.

    Returns:
        The audit (``mos-ratings-v1``), as written.

    Raises:
        InputError: A file or option is unusable; nothing was written.
        OutputError: An output cannot be written; nothing was.

    Examples:
        >>> from pathlib import Path
        >>> votes = "clip,rater,score\na,1,4\na,2,5\nb,1,2\nb,2,3\n"
        >>> _ = Path("votes.csv").write_text(votes)
        >>> audit = estimate_mos("votes.csv", "mos.csv", options=RatingOptions(method="mean"))
        >>> Path("mos.csv").read_text().splitlines()[1][:5]
        '"a",4'
    """
    from provenance import start_run

    from labeljoin.ratings.writing import check_suffix, write_table

    chosen = options or RatingOptions()
    paths = [ratings] if isinstance(ratings, str | os.PathLike) else list(ratings)
    tell = progress or (lambda step, done, total: None)
    audit_path = f"{os.fspath(out)}.audit.json" if audit_json is None else os.fspath(audit_json)
    outputs = {"out": out, "out_raters": out_raters, "out_html": out_html}
    names = {name: None if path is None else os.fspath(path) for name, path in outputs.items()}
    for path in (out, out_raters):
        if path is not None:
            check_suffix(path)
    with start_run(
        "labeljoin ratings",
        distribution="moskit-labeljoin",
        module="labeljoin.ratings.estimation",
        inputs={"ratings": paths},
        args={
            "ratings": [os.fspath(path) for path in paths],
            **names,
            "audit_json": audit_path,
            **chosen.to_dict(),
        },
        progress=progress,
    ) as run:
        staged = {
            name: run.stage(name, path, kind=_KINDS[name])
            for name, path in outputs.items()
            if path is not None
        }
        sources = []
        for number, path in enumerate(paths):
            tell("reading", number, len(paths))
            sources.append(read_ratings(os.fspath(path), chosen))
        rated = rate(sources, chosen, outputs=names)
        metadata = _metadata(rated)
        record = run.short_record(chosen.to_dict())
        write_table(rated.clips, staged["out"].path, os.fspath(out), metadata, record)
        if out_raters is not None:
            write_table(rated.raters, staged["out_raters"].path, os.fspath(out_raters), {}, record)
        if out_html is not None:
            from labeljoin.ratings.page import render_page

            staged["out_html"].path.write_text(render_page(rated), encoding="utf-8")
        run.record(audit_path, rated.audit.to_dict(), kind="audit")
    return run.document


_KINDS = {"out": "label-table", "out_raters": "rater-table", "out_html": "page"}


def rate_in_memory(table: pa.Table, options: RatingOptions | None = None) -> RatedClips:
    """Make MOS of the single ratings in a table, as :func:`estimate_mos` does of files.

    Args:
        table: One row a vote, or clips by raters.
        options: Method, columns, scale and policies.

    Raises:
        InputError: The ratings or an option are unusable.

    Examples:
        >>> import pyarrow as pa
        >>> votes = pa.table({"clip": ["a", "a"], "rater": ["1", "2"], "score": [4, 5]})
        >>> rate_in_memory(votes, RatingOptions(method="mean")).clips["mos"].to_pylist()
        [4.5]
    """
    chosen = options or RatingOptions()
    return rate([take_ratings(table, "the ratings", chosen)], chosen)


def rate(
    sources: Sequence[Ratings],
    options: RatingOptions,
    *,
    outputs: dict[str, str | None] | None = None,
) -> RatedClips:
    """Make MOS of ratings that were read.

    Args:
        sources: The ratings.
        options: Method, scale and policies.
        outputs: Output paths by name, for the audit.

    Raises:
        InputError: The votes are unusable.
    """
    collection = collect(sources, options)
    votes, differential = collection.votes, None
    limits = collection.scale.limits
    assert limits is not None  # there are votes
    if options.reference_column is not None:
        votes, differential = _differential(collection, options, limits[1])
    made = estimate(votes, options.method, limits[1] - limits[0])
    correlation = correlation_with_rest(votes)
    remarks = remark(votes, made, correlation)
    sos = fit_sos(collection.votes, limits)
    kept = np.isfinite(made.mos) & (made.ratings >= options.min_ratings)
    document = documents.RatingsAudit(
        method=options.method,
        output=(outputs or {}).get("out"),
        out_raters=(outputs or {}).get("out_raters"),
        out_html=(outputs or {}).get("out_html"),
        ratings=[_source(source) for source in sources],
        scale=documents.ScaleFacts(**collection.scale.to_dict(), low=limits[0], high=limits[1]),
        options=options.to_dict(),
        entries=collection.rows,
        votes=len(votes),
        blank=collection.blank,
        duplicates_collapsed=collection.collapsed,
        repeated_votes=documents.RepeatedVotes(
            count=collection.repeated,
            handled=collection.repetitions,
            ordered_by=collection.repetitions_ordered_by,
        ),
        off_scale_votes=_counted(collection.off_scale),
        clips=int(np.count_nonzero(kept)),
        clips_without_votes=_counted(collection.unrated),
        clips_left_out=documents.LeftOut(
            below_min_ratings=_named(
                votes, np.isfinite(made.mos) & (made.ratings < options.min_ratings)
            ),
            all_raters_rejected=_named(votes, ~np.isfinite(made.mos)),
        ),
        clips_with_one_vote=_named(votes, votes.per_clip == 1),
        clips_without_spread=_named(votes, votes.clip_deviation(votes.score) == 0),
        estimates_off_scale=_named(
            votes,
            kept & ((made.mos < limits[0]) | (made.mos > limits[1]))
            if differential is None
            else np.zeros(len(kept), dtype=bool),
        ),
        votes_per_clip=_spread(votes.per_clip),
        votes_per_rater=_spread(votes.per_rater),
        raters=_rater_facts(votes, made, remarks),
        model=_fit(votes, made),
        differential=differential,
        sos=_sos(sos),
        noise_ceiling=_ceiling(noise_ceiling(made.mos[kept], made.standard_error[kept])),
        against_mean=_against_mean(made.mos[kept], votes.clip_mean(votes.score)[kept]),
    )
    return RatedClips(
        clips=_clip_table(votes, made, kept),
        raters=_rater_table(votes, made, correlation, remarks),
        audit=document,
        votes=votes,
        collection=collection,
        estimate=made,
        correlation=correlation,
        remarks=remarks,
        sos=sos,
    )


def _differential(
    collection: Collection, options: RatingOptions, high: float
) -> tuple[Votes, documents.Differential]:
    assert options.reference_column is not None
    if collection.references is None:
        from provenance.toolkit import InputError

        raise InputError(
            "this layout says nothing of references",
            code="ratings.no-references",
            fix="Give a long table with a column that names them, or a sureal dataset",
        )
    votes, clips, unpaired = differential_votes(collection.votes, collection.references, high)
    return votes, documents.Differential(
        reference_column=options.reference_column,
        clips_without_reference=_counted(clips),
        votes_without_reference=_counted(unpaired),
    )


def _clip_table(votes: Votes, made: Estimate, kept: NDArray[np.bool_]) -> pa.Table:
    def column(values: Floats) -> pa.Array:
        return pa.array(values[kept], pa.float64(), from_pandas=True)

    return pa.table(
        {
            "clip": votes.clips.filter(pa.array(kept)),
            "mos": column(made.mos),
            "mos_std_dev": column(made.deviation),
            "mos_n_ratings": pa.array(made.ratings[kept], pa.int64()),
            "mos_ci_low": column(made.low),
            "mos_ci_high": column(made.high),
            "mos_standard_error": column(made.standard_error),
        }
    )


def _rater_table(votes: Votes, made: Estimate, correlation: Floats, remarks: Remarks) -> pa.Table:
    return pa.table(
        {
            "rater": votes.raters,
            "bias": pa.array(made.bias, pa.float64(), from_pandas=True),
            "inconsistency": pa.array(made.inconsistency, pa.float64(), from_pandas=True),
            "n_ratings": pa.array(votes.per_rater, pa.int64()),
            "rejected": pa.array(made.rejected),
            "correlation": pa.array(correlation, pa.float64(), from_pandas=True),
            "reason": pa.array(remarks.reasons, pa.string()),
        }
    )


def _metadata(rated: RatedClips) -> dict[str, str]:
    scale = rated.audit.scale.scale
    if rated.audit.differential is not None or scale is None:
        return {"moskit.key_column": "clip"}
    return {"moskit.key_column": "clip", SCALE_METADATA: scale}


def _source(source: Ratings) -> documents.RatingSource:
    return documents.RatingSource(
        path=source.name,
        layout=source.layout,
        entries=len(source.score),
        columns=source.columns,
    )


def _counted(found: Counted) -> documents.CountedNames:
    return documents.CountedNames(count=found.count, sample=list(found.sample))


def _named(votes: Votes, mask: NDArray[np.bool_]) -> documents.CountedNames:
    places = np.flatnonzero(mask)
    return documents.CountedNames(
        count=len(places), sample=votes.clips.take(pa.array(places[:SAMPLE])).to_pylist()
    )


def _named_raters(votes: Votes, mask: NDArray[np.bool_]) -> documents.CountedNames:
    places = np.flatnonzero(mask)
    return documents.CountedNames(
        count=len(places), sample=votes.raters.take(pa.array(places[:SAMPLE])).to_pylist()
    )


def _spread(counts: NDArray[np.int64]) -> documents.Spread:
    return documents.Spread(
        least=int(counts.min()),
        median=float(np.median(counts)),
        mean=float(counts.mean()),
        most=int(counts.max()),
    )


def _rater_facts(votes: Votes, made: Estimate, remarks: Remarks) -> documents.RaterFacts:
    rejected = np.flatnonzero(made.rejected)
    return documents.RaterFacts(
        count=len(votes.raters),
        rejected=[
            documents.RaterRemark(
                rater=votes.raters[int(place)].as_py(), remark=remarks.reasons[place] or ""
            )
            for place in rejected[:SAMPLE]
        ],
        rejected_count=len(rejected),
        unusual=[
            documents.RaterRemark(rater=votes.raters[place].as_py(), remark=said)
            for place, said in remarks.unusual[:SAMPLE]
        ],
        unusual_count=len(remarks.unusual),
    )


def _fit(votes: Votes, made: Estimate) -> documents.Fit | None:
    model = made.model
    if model is None:
        return None
    return documents.Fit(
        likelihood=model.likelihood,
        iterations=model.iterations,
        change=model.change,
        converged=model.converged,
        floored_raters=_named_raters(votes, model.floored),
        pooled_raters=_named_raters(votes, model.pooled),
    )


def _sos(found: SosFit | None) -> documents.Sos | None:
    if found is None:
        return None
    return documents.Sos(a=found.a, low=found.low, high=found.high, clips=found.clips)


def _ceiling(found: Ceiling | None) -> documents.NoiseCeiling | None:
    if found is None:
        return None
    return documents.NoiseCeiling(
        plcc=found.plcc, low=found.low, high=found.high, clips=found.clips
    )


def _against_mean(mos: Floats, mean: Floats) -> documents.AgainstMean:
    change = np.abs(mos - mean)
    spread = min(np.ptp(mos), np.ptp(mean)) if len(mos) > 1 else 0.0
    return documents.AgainstMean(
        plcc=float(np.corrcoef(mos, mean)[0, 1]) if spread > 0 else None,
        mean_change=float(change.mean()) if len(change) else 0.0,
        largest_change=float(change.max()) if len(change) else 0.0,
    )
