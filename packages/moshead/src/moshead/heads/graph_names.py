"""Names of a head's inputs and outputs: the interface between graph and runtime."""

FEATURES = "features"
ENCODER = "encoder_onehot"
OUTPUT = "mos"
FOLDS_OUTPUT = "mos_folds"
