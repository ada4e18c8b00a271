r"""Train, judge, export and run small heads that predict MOS from quality features.

The rooms of the package, in reading order:

* ``documents``: the documents that moshead writes, as types;
* ``features``: feature schemas, and the matrix that a table gives under a schema;
* ``gate``: statistics, the thresholds a head has to meet, and the checks of the training rows;
* ``heads``: families of heads, what they compute, their intervals and their ONNX graphs;
* ``corpus``: labelled rows, the checks for leakage, folds and fingerprints;
* ``baselines``: what a head has to beat, measured on the same folds;
* ``export``: a head on disk, with manifest, model card and registry;
* ``training``: cross-validation, and a trainer for each corpus;
* ``predict``: predictions of an exported head, and its validation on held-out clips;
* ``comparison``: heads, score columns and regressors compared on the same clips;
* ``cli``: the command ``moshead``, one module per subcommand.

Example:
    >>> import moshead
    >>> plan = moshead.plan_gate(plcc=0.96, clips=1200)
    >>> plan["can_pass"], plan["clips_per_fold_needed"]
    (True, 1331)
"""

from typing import Any

import lazy_loader as lazy

_public_name, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

_MOVED = {
    "Comparison": "moshead.comparison",
    "NotBetterError": "moshead.comparison",
    "Corpus": "moshead.corpus",
    "NoLabelsError": "moshead.corpus",
    "RowOptions": "moshead.corpus",
    "load_corpus": "moshead.corpus",
    "HeadMetadata": "moshead.export",
    "HeadMismatchError": "moshead.export",
    "Registry": "moshead.export",
    "RegistryEntry": "moshead.export",
    "allowed_operators": "moshead.export",
    "load_manifest": "moshead.export",
    "ENCODER_VOCAB": "moshead.features",
    "ENCODER_VOCAB_VERSION": "moshead.features",
    "FeatureMatrix": "moshead.features",
    "FeatureSchema": "moshead.features",
    "built_in_schemas": "moshead.features",
    "feature_matrix": "moshead.features",
    "load_schema": "moshead.features",
    "read_display_profile": "moshead.features",
    "FoldScore": "moshead.gate",
    "GateReport": "moshead.gate",
    "judge": "moshead.gate",
    "judge_rows": "moshead.gate",
    "CrossConformal": "moshead.heads",
    "Head": "moshead.heads",
    "HeadWeights": "moshead.heads",
    "Recipe": "moshead.heads",
    "TrainingResult": "moshead.heads",
    "recipe_for": "moshead.heads",
    "HeldOutMissError": "moshead.predict",
    "Prediction": "moshead.predict",
    "Predictions": "moshead.predict",
    "ProposedHeadWarning": "moshead.predict",
    "VmafFallbackWarning": "moshead.predict",
    "validation_markdown": "moshead.predict",
    "vmaf_linear": "moshead.predict",
    "GateMissedError": "moshead.training",
    "SyntheticRowsWarning": "moshead.training",
    "train_head": "moshead.training",
}
"""Names of the first release that stay at the top for one more, with a warning."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("moskit-moshead")
    if name in _MOVED:
        from provenance.toolkit import moved_name

        return moved_name(__name__, name, _MOVED[name])
    return _public_name(name)
