"""Stock regressors that a head is measured against.

Ridge regression is always here. SVR, LightGBM and random forest come with ``moshead[baselines]``.
Each is fitted to the training rows of a fold and chooses its settings on those rows alone.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from provenance.toolkit import InputError, processors

from moshead.baselines.ridge import Scaling, fit_ridge, inner_folds
from moshead.heads.closed_form.centres import squared_distances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]

EXTRA = "moskit-moshead[baselines]"
INSTALL = f"Install them with pip install '{EXTRA}'"

Fit = Callable[["Array", "Array", "Indices", "Array", int], "Array"]
"""``fit(features, mos, units, test, seed)``: fit to rows (N, F), predict test rows (M, F)."""


@dataclass(frozen=True)
class Regressor:
    """A stock regressor.

    Attributes:
        name: What it is called in reports.
        modules: Modules that it needs, of :data:`EXTRA`.
        most_rows: Training rows that it takes at most; more are sampled by the seed.
        settings: What it is and how its settings are chosen, in one sentence.
        fit: Fits and predicts.
    """

    name: str
    modules: tuple[str, ...]
    most_rows: int
    settings: str
    fit: Fit

    @property
    def installed(self) -> bool:
        """Whether everything that it needs is installed."""
        return all(find_spec(module) is not None for module in self.modules)


def _ridge(features: Array, mos: Array, units: Indices, test: Array, seed: int) -> Array:
    return fit_ridge(features, mos, units, test, seed)[0]


def _svr(features: Array, mos: Array, units: Indices, test: Array, seed: int) -> Array:
    from sklearn.svm import SVR

    scaling = Scaling.fit(features)
    z, held_out = scaling(features), scaling(test)
    level, spread = float(mos.mean()), float(mos.std()) or 1.0
    y = (mos - level) / spread
    folds = inner_folds(units, 2, seed)
    # Settings are chosen on few enough rows for the choice to be cheap.
    some = np.arange(len(z))
    if len(some) > _SVR_GRID_ROWS:
        rng = np.random.Generator(np.random.PCG64([seed, 43]))
        some = np.sort(rng.choice(len(z), _SVR_GRID_ROWS, replace=False))
    of_fold = folds[some]
    halves = [
        (np.flatnonzero(of_fold != fold), np.flatnonzero(of_fold == fold))
        for fold in range(int(folds.max()) + 1)
    ]
    halves = [(train, own) for train, own in halves if len(train) > 1 and len(own)]
    errors = {}
    for width in _SVR_WIDTHS:
        kernel = _rbf(z[some], z[some], width)
        for cost in _SVR_COSTS:
            errors[cost, width] = 0.0
            for train, own in halves:
                # Labels have a spread of 1: a choice does not need more digits.
                fitted = SVR(C=cost, kernel="precomputed", epsilon=0.1, tol=0.01)
                fitted.fit(kernel[np.ix_(train, train)], y[some[train]])
                found = _svr_values(fitted, kernel[np.ix_(own, train)])
                errors[cost, width] += float(np.sum((found - y[some[own]]) ** 2))
    cost, width = min(errors, key=lambda pair: errors[pair])
    best = SVR(C=cost, kernel="precomputed", epsilon=0.1).fit(_rbf(z, z, width), y)
    blocks = range(0, len(test), _PREDICTED_ROWS)
    parts = [
        _svr_values(best, _rbf(held_out[at : at + _PREDICTED_ROWS], z, width)) for at in blocks
    ]
    return level + spread * np.concatenate(parts)


def _rbf(a: Array, b: Array, width: float) -> Array:
    """The kernel between rows, (M, N): libsvm's own would compute it again for every cost."""
    kernel = squared_distances(a, b)
    kernel *= -width / a.shape[1]
    return np.asarray(np.exp(kernel, out=kernel))


def _svr_values(fitted: Any, kernel: Array) -> Array:
    """What a fitted SVR predicts, from the kernel of rows with its training rows, (M, N)."""
    return np.asarray(kernel[:, fitted.support_] @ fitted.dual_coef_[0] + fitted.intercept_[0])


_SVR_COSTS, _SVR_WIDTHS = (1.0, 3.0, 10.0), (0.1, 0.3, 1.0)
"""Costs, and widths of the kernel in units of 1 / columns."""

_SVR_GRID_ROWS = 500
_PREDICTED_ROWS = 1024


def _lightgbm(features: Array, mos: Array, units: Indices, test: Array, seed: int) -> Array:
    import lightgbm

    few = len(mos) < 200
    settings = {
        "objective": "regression",
        "learning_rate": 0.05,
        "num_leaves": 7,
        "min_data_in_leaf": 5 if few else 20,
        "feature_fraction": 0.3 if features.shape[1] >= 20 else 1.0,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 1.0,
        "seed": seed % 2**31,
        "num_threads": 1,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
    train = lightgbm.Dataset(features, mos, params={"verbosity": -1, "max_bin": 63})
    return np.asarray(lightgbm.train(settings, train, num_boost_round=300).predict(test))


def _forest(features: Array, mos: Array, units: Indices, test: Array, seed: int) -> Array:
    import sklearn
    from sklearn.ensemble import RandomForestRegressor

    scaling = Scaling.fit(features)
    forest = RandomForestRegressor(
        n_estimators=40,
        max_features=0.25,
        max_samples=0.6,
        min_samples_leaf=3,
        random_state=seed % 2**31,
    )
    # Checks of every tree would take a fifth of the time.
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        fitted = forest.fit(np.where(np.isnan(features), scaling.median, features), mos)
        return np.asarray(fitted.predict(np.where(np.isnan(test), scaling.median, test)))


RIDGE = Regressor(
    "ridge", (), 10**9, "ridge regression, the penalty of 33 by five inner folds", _ridge
)
STOCK = (
    Regressor(
        "svr",
        ("sklearn",),
        4_000,
        "support vector regression with an RBF kernel on at most 4,000 rows, cost and width by a "
        "grid of 9",
        _svr,
    ),
    Regressor(
        "lightgbm",
        ("lightgbm",),
        100_000,
        "LightGBM, 300 trees of 7 leaves at a learning rate of .05",
        _lightgbm,
    ),
    Regressor(
        "random forest",
        ("sklearn",),
        10_000,
        "random forest of 40 trees on 60 % of the rows each and at most 10,000 in all, splits on a "
        "quarter of the columns",
        _forest,
    ),
)
REGRESSORS = (RIDGE, *STOCK)


def require_stock() -> None:
    """Refuse to go on without the optional regressors.

    Raises:
        InputError: One of their packages is not installed.
    """
    missing = sorted({m for r in STOCK if not r.installed for m in r.modules if not find_spec(m)})
    if missing:
        names = {"sklearn": "scikit-learn"}
        packages = " and ".join(names.get(module, module) for module in missing)
        raise InputError(
            f"--baselines needs {packages}", fix=INSTALL, code="baselines.extra-missing"
        )


@dataclass(frozen=True)
class FitJob:
    """One fit: a regressor, its training rows, and the rows that it predicts.

    Attributes:
        regressor: The regressor.
        train: Indices of training rows.
        test: Indices of rows to predict.
        seed: Of its random parts.
    """

    regressor: Regressor
    train: Indices
    test: Indices
    seed: int


def fit_all(
    features: Array,
    mos: Array,
    units: Indices,
    jobs: Sequence[FitJob],
    step: Callable[[int], None] | None = None,
) -> list[Array]:
    """Run some fits, on all processors.

    Args:
        features: All rows, (N, F), NaN where a value is missing.
        mos: Labels, (N,).
        units: Clip or group of each row, (N,).
        jobs: What to fit.
        step: Called with the number of fits done.

    Returns:
        Predicted MOS of each job's test rows, in the order of ``jobs``.
    """

    def run(job: FitJob) -> Array:
        train = job.train
        if len(train) > job.regressor.most_rows:
            rng = np.random.Generator(np.random.PCG64([job.seed, 47]))
            train = np.sort(rng.choice(train, job.regressor.most_rows, replace=False))
        return job.regressor.fit(
            features[train], mos[train], units[train], features[job.test], job.seed
        )

    from threadpoolctl import threadpool_limits

    found: list[Array] = []
    # numpy, libsvm, LightGBM and the forest's trees all let other threads run meanwhile; threads
    # inside small matrices would only wait for each other.
    workers = ThreadPoolExecutor(max(1, processors()))
    with threadpool_limits(limits=1, user_api="blas"), workers as pool:
        for predicted in pool.map(run, jobs):
            found.append(predicted)
            if step is not None:
                step(len(found))
    return found
