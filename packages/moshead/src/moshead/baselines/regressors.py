"""Stock regressors that a head is measured against.

Ridge regression is always here. SVR, LightGBM and random forest come with ``moshead[baselines]``.
Each is fitted to the training rows of a fold and chooses its settings on those rows alone.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
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

    def model(cost: float, gamma: float) -> Any:
        return SVR(C=cost, gamma=gamma / z.shape[1], epsilon=0.1, cache_size=200)

    def error(cost: float, gamma: float) -> float:
        total = 0.0
        for fold in range(int(folds.max()) + 1):
            train, own = some[folds[some] != fold], some[folds[some] == fold]
            if len(train) < 2 or not len(own):
                continue
            fitted = model(cost, gamma).fit(z[train], y[train])
            total += float(np.sum((_svr_values(fitted, z[own]) - y[own]) ** 2))
        return total

    best = min(_SVR_GRID, key=lambda pair: error(*pair))
    return level + spread * _svr_values(model(*best).fit(z, y), held_out)


def _svr_values(fitted: Any, rows: Array) -> Array:
    """What a fitted SVR predicts: its own ``predict`` by matrix products, several times as fast."""
    found = np.empty(len(rows))
    for at in range(0, len(rows), _PREDICTED_ROWS):
        part = slice(at, at + _PREDICTED_ROWS)
        squared = squared_distances(rows[part], fitted.support_vectors_)
        squared *= -fitted.gamma
        kernel = np.exp(squared, out=squared)
        found[part] = kernel @ fitted.dual_coef_[0] + fitted.intercept_[0]
    return found


_SVR_GRID = tuple(product((1.0, 3.0, 10.0), (0.1, 0.3, 1.0)))
"""Costs by widths of the kernel, the latter in units of 1 / columns."""

_SVR_GRID_ROWS = 500
_PREDICTED_ROWS = 1024


def _lightgbm(features: Array, mos: Array, units: Indices, test: Array, seed: int) -> Array:
    import lightgbm

    few = len(mos) < 200
    settings = {
        "objective": "regression",
        "learning_rate": 0.05,
        "num_leaves": 15,
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
    train = lightgbm.Dataset(features, mos, free_raw_data=True, params={"verbosity": -1})
    return np.asarray(lightgbm.train(settings, train, num_boost_round=300).predict(test))


def _forest(features: Array, mos: Array, units: Indices, test: Array, seed: int) -> Array:
    from sklearn.ensemble import RandomForestRegressor

    scaling = Scaling.fit(features)
    forest = RandomForestRegressor(
        n_estimators=80,
        max_features=0.25,
        max_samples=0.6,
        min_samples_leaf=2,
        random_state=seed % 2**31,
    )
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
        "support vector regression with an RBF kernel, cost and width by a grid of 9",
        _svr,
    ),
    Regressor(
        "lightgbm",
        ("lightgbm",),
        100_000,
        "LightGBM, 300 trees of 15 leaves at a learning rate of .05",
        _lightgbm,
    ),
    Regressor(
        "random forest",
        ("sklearn",),
        10_000,
        "random forest of 80 trees on 60 % of the rows each, splits on a quarter of the columns",
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
