"""Predictions of known estimators for a few rows, the same to the last bit as the library's.

shortcut.py      one method by its short way, and the comparison before it is believed
instance.py      the same put in place of a loaded model's own methods
estimators.py    which estimators are known, and what is asked of one
values.py        what passes from step to step: arrays, tables, sparse rows
linear.py, trees.py, boosting.py, ensembles.py, kernels.py, neighbors.py,
bayes_networks_clusters.py: predictors
other_boosters.py  those of lightgbm and xgboost
scaling.py, imputing.py, encoding.py, features.py, composition.py: transformers, and what holds them
"""
