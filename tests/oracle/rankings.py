#!/usr/bin/env python3
"""Makes rankings.h: inputs and what other people's solvers find for them.

    python3 rankings.py > rankings.h      # NumPy, SciPy, statsmodels, scikit-learn

Strengths and their errors: a binomial regression of statsmodels, in which the prior is two
more rows of half its weight. Temperature: SciPy's bounded minimizer. Win rates: SciPy's
L-BFGS-B on weights split into positive and negative parts, within 1e-3 of scikit-learn's
LIBLINEAR. Elo's ratings: the formula in Python.
"""
import textwrap

import numpy as np
import statsmodels.api as sm
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

rng = np.random.default_rng(2505)
print("/* Made by rankings.py: numbers of NumPy, SciPy, statsmodels and scikit-learn. */")


def show(name, values, kind="double"):
    texts = ", ".join(repr(float(v)) if kind == "double" else str(int(v)) for v in values)
    lines = textwrap.wrap(texts, 84, initial_indent="    ", subsequent_indent="    ")
    print(f"static const {kind} {name}[] = {{", *lines, "};", sep="\n")


# --- games: player 5 wins all of its games, players 6 and 7 meet each other alone
strength = np.array([0.8, 0.1, -0.4, 0.3, -1.0, 9.0, 0.0, 0.5])
a, b, score = [], [], []
for _ in range(60):
    i, k = rng.choice(6, 2, replace=False)
    a.append(i), b.append(k)
    draw = rng.random() < 0.15 and 5 not in (i, k)
    score.append(0.5 if draw else float(rng.random() < expit(strength[i] - strength[k])))
a += [6, 7, 6]
b += [7, 6, 7]
score += [0.0, 0.75, 0.25]
assert all(s == (1.0 if i == 5 else 0.0) for i, k, s in zip(a, b, score) if 5 in (i, k))
show("GAME_A", a, "uint32_t")
show("GAME_B", b, "uint32_t")
show("GAME_SCORE", score)
for prior in (0.1, 1.0):
    rows, ends, weights = [], [], []
    for i, k, s in zip(a, b, score):
        for won, weight in ((1, s), (0, 1 - s)):
            if weight > 0:
                row = np.zeros(8)
                row[i], row[k] = 1, -1
                rows.append(row), ends.append(won), weights.append(weight)
    for i in range(8):
        for won in (0, 1):
            row = np.zeros(8)
            row[i] = 1
            rows.append(row), ends.append(won), weights.append(prior / 2)
    fit = sm.GLM(np.array(ends), np.array(rows), family=sm.families.Binomial(),
                 freq_weights=np.array(weights)).fit(tol=1e-14, maxiter=500)
    name = str(prior).replace(".", "_")
    show(f"STRENGTHS_{name}", fit.params)
    show(f"ERRORS_{name}", fit.bse)

ratings = np.full(8, 1200.0)
for _ in range(2):
    for i, k, s in zip(a, b, score):
        gain = 24 * (s - 1 / (1 + 10 ** ((ratings[k] - ratings[i]) / 350)))
        ratings[i] += gain
        ratings[k] -= gain
show("ELO", ratings)

# --- calibration
margins = rng.normal(0, 3, 80)
labels = (rng.random(80) < expit(margins / 2.5)).astype(float)
labels[::9] = 0.5


def loss(t):
    z = margins / t
    return np.mean(labels * np.logaddexp(0, -z) + (1 - labels) * np.logaddexp(0, z))


def error(t):
    p = expit(margins / t)
    sure = np.maximum(p, 1 - p)
    right = np.where(p > 0.5, labels, 1 - labels)
    bins = np.minimum(((sure - 0.5) * 20).astype(int), 9)
    return sum(abs(np.sum(sure[bins == k] - right[bins == k])) for k in range(10)) / len(p)


best = minimize_scalar(loss, bounds=(0.01, 100), method="bounded",
                       options={"xatol": 1e-12}).x
show("MARGINS", margins)
show("LABELS", labels)
show("CALIBRATION", [best, loss(best), loss(1), error(best), error(1)])

# --- win rates
n = 60
length_a = rng.integers(100, 3000, n).astype(float)
length_b = rng.integers(100, 2500, n).astype(float)
difficulty = rng.normal(0, 1, n)
delta = length_b - length_a
f1 = np.tanh(delta / np.std(delta, ddof=1))
score = expit(-1.2 * f1 + 0.8 * difficulty + 0.3 + rng.normal(0, 0.7, n))
score[::7] = score[::7].round()
show("LENGTH_A", length_a)
show("LENGTH_B", length_b)
show("DIFFICULTY", difficulty)
show("SCORE", score)


def fit(x, penalty):
    def total(w):
        z = x @ (w[:k] - w[k:])
        value = np.sum(score * np.logaddexp(0, -z) + (1 - score) * np.logaddexp(0, z))
        slope = x.T @ (expit(z) - score)
        return value + penalty * np.sum(w), np.concatenate([slope, -slope]) + penalty
    k = x.shape[1]
    out = minimize(total, np.full(2 * k, 0.1), jac=True, method="L-BFGS-B",
                   bounds=[(0, None)] * (2 * k),
                   options={"ftol": 1e-16, "gtol": 1e-11, "maxiter": 100000, "maxfun": 10**6})
    w = out.x[:k] - out.x[k:]
    other = LogisticRegression(penalty="l1", C=1 / penalty, solver="liblinear",
                               fit_intercept=False, tol=1e-10, max_iter=10000)
    other.fit(np.vstack([x, x]), np.repeat([1, 0], n),
              sample_weight=np.concatenate([score, 1 - score]))
    assert np.max(np.abs(other.coef_[0] - w)) < 1e-3, (other.coef_, w)
    return w


one = np.ones(n)
for name, columns, penalty in (("LENGTH_ONLY", [f1, one], 1.0),
                               ("WITH_DIFFICULTY", [f1, difficulty, one], 1.0),
                               ("STRONG_PENALTY", [f1, difficulty, one], 6.0)):
    w = fit(np.stack(columns, 1), penalty)
    w1, w3 = w[0], w[-1]
    w2 = w[1] if len(w) == 3 else 0.0
    show(name, [np.mean(score), np.std(score, ddof=1) / np.sqrt(n),
                np.mean(expit(w2 * difficulty + w3)), w1, w2, w3])
