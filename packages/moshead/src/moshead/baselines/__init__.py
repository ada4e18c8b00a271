"""What a head has to beat, measured on the head's own folds.

In reading order:

- ``mapping``: a column on its own scale, mapped to MOS by a logistic that never reverses it.
- ``regressors``: ridge regression, and SVR, LightGBM and random forest where they are installed.
- ``agreement``: the statistics of ITU-T P.1401 for one set of predictions.
- ``pairing``: how sure a difference is between two predictors of the same clips.
- ``contamination``: whether a scorer was trained on the corpus that it is judged on.
- ``alongside``: the baselines of a training run.
"""
