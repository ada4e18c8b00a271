"""What a head has to beat, measured on the head's own folds.

In reading order:

- ``mapping``: a column on its own scale, mapped to MOS by a logistic that never reverses it.
- ``regressors``: ridge regression, and SVR, LightGBM and random forest where they are installed.
- ``agreement``: the statistics of ITU-T P.1401 for one set of predictions.
- ``pairing``: how sure a difference is between two predictors of the same clips.
- ``alongside``: the baselines of a training run.
"""
