"""Prints reference.json: values of rliable and SciPy on a small fixed matrix of scores.

Made with rliable 1.2.0, SciPy 1.17.1, NumPy 2.4.6, Python 3.11:

    python3 -m venv venv && venv/bin/pip install rliable==1.2.0 "pandas<3" && venv/bin/python reference.py > reference.json
"""

import json

import numpy as np
import scipy.stats
from rliable import library, metrics

# x and y: 7 runs (rows) of 3 tasks (columns), with ties between them.
x = np.array([
    [0.31, 1.20, 0.05], [0.52, 0.80, 0.10], [0.47, 1.10, 0.00], [0.90, 0.95, 0.25],
    [0.10, 1.45, 0.15], [0.66, 0.70, 0.30], [0.52, 1.00, 0.60]])
y = np.array([
    [0.25, 1.20, 0.00], [0.40, 0.60, 0.10], [0.47, 0.90, 0.05], [0.75, 0.85, 0.20],
    [0.05, 1.30, 0.35], [0.50, 0.75, 0.10], [0.52, 0.65, 0.40]])
taus = [0.0, 0.1, 0.25, 0.5, 0.52, 0.9, 1.2, 2.0]
point = {
    "mean": metrics.aggregate_mean, "median": metrics.aggregate_median,
    "iqm": metrics.aggregate_iqm, "gap": lambda s: metrics.aggregate_optimality_gap(s, 1.0)}


def interval(scores, f, reps=50000):
    _, ci = library.get_interval_estimates(
        scores, lambda *s: np.array([f(*s)]), reps=reps, random_state=np.random.RandomState(1))
    return [float(v) for v in list(ci.values())[0][:, 0]]


out = {"x": x.T.tolist(), "y": y.T.tolist(), "taus": taus}
out["point"] = {k: float(f(x)) for k, f in point.items()}
out["interval"] = {k: interval({"x": x}, f) for k, f in point.items()}
out["improvement"] = float(metrics.probability_of_improvement(x, y))
out["improvement_interval"] = interval({"xy": (x, y)}, metrics.probability_of_improvement)
out["profile"] = [float(library.run_score_deviation(x, t)) for t in taus]
p = [125, 115, 130, 140, 140, 115, 140, 125, 140, 135]
q = [110, 122, 125, 120, 140, 124, 123, 137, 135, 145]
u = [0.31, 0.52, 0.47, 0.90, 0.10, 0.66, 0.55, 1.31, 0.72]
v = [0.25, 0.44, 0.50, 0.75, 0.15, 0.45, 0.50, 0.92, 0.61]
d = np.subtract(u, v)
out["pairs"] = {
    "p": p, "q": q, "u": u, "v": v,
    "wilcoxon_uv": float(scipy.stats.wilcoxon(u, v, method="exact").pvalue),
    # With ties SciPy offers the exact distribution only by permuting all signs.
    "wilcoxon_pq": float(scipy.stats.wilcoxon(
        p, q, method=scipy.stats.PermutationMethod(n_resamples=np.inf)).pvalue),
    "permutation_uv": float(scipy.stats.permutation_test(
        (d,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue),
    "t_interval_u": [float(z) for z in scipy.stats.t.interval(
        0.95, len(u) - 1, np.mean(u), scipy.stats.sem(u))]}
print(json.dumps(out, indent=1))
