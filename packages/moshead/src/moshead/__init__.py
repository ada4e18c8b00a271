r"""Train, judge, export and run small heads that predict MOS from quality features.

The rooms of the package, in reading order:

* ``documents``: the documents that moshead writes, as types;
* ``features``: feature schemas, and the matrix that a table gives under a schema;
* ``gate``: statistics, the thresholds a head has to meet, and the checks of the training rows;
* ``domain``: what the training rows of a head look like, and how far another row is from them;
* ``scales``: monotone maps between the MOS scales of corpora;
* ``heads``: families of heads, what they compute, their intervals and their ONNX graphs;
* ``corpus``: labelled rows, the checks for leakage, folds and fingerprints;
* ``baselines``: what a head has to beat, measured on the same folds;
* ``export``: a head on disk, with manifest, model card and registry;
* ``training``: cross-validation, and a trainer for each corpus;
* ``predict``: predictions of an exported head, and its validation on held-out clips;
* ``recalibration``: a head, or a score, for another corpus from a few ratings;
* ``comparison``: heads, score columns and regressors compared on the same clips;
* ``cli``: the command ``moshead``, one module per subcommand.

Example:
    >>> import moshead
    >>> plan = moshead.plan_gate(plcc=0.96, clips=1200)
    >>> plan["can_pass"], plan["clips_per_fold_needed"]
    (True, 1331)
"""

from provenance.toolkit import public_names

_MOVED = {
    "moshead.comparison": (
        "Comparison",
        "NotBetterError",
    ),
    "moshead.corpus": (
        "Corpus",
        "NoLabelsError",
        "RowOptions",
        "load_corpus",
    ),
    "moshead.export": (
        "HeadMetadata",
        "HeadMismatchError",
        "Registry",
        "RegistryEntry",
        "allowed_operators",
        "load_manifest",
    ),
    "moshead.features": (
        "ENCODER_VOCAB",
        "ENCODER_VOCAB_VERSION",
        "FeatureMatrix",
        "FeatureSchema",
        "built_in_schemas",
        "feature_matrix",
        "load_schema",
        "read_display_profile",
    ),
    "moshead.gate": (
        "FoldScore",
        "GateReport",
        "judge",
        "judge_rows",
    ),
    "moshead.heads": (
        "CrossConformal",
        "Head",
        "HeadWeights",
        "Recipe",
        "TrainingResult",
        "recipe_for",
    ),
    "moshead.predict": (
        "HeldOutMissError",
        "Prediction",
        "Predictions",
        "ProposedHeadWarning",
        "VmafFallbackWarning",
        "validation_markdown",
        "vmaf_linear",
    ),
    "moshead.training": (
        "GateMissedError",
        "SyntheticRowsWarning",
        "train_head",
    ),
}

__getattr__, __dir__, __all__ = public_names(
    __name__,
    __file__,
    "moskit-moshead",
    moved=_MOVED,
)
