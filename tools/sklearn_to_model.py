"""Turns a scikit-learn regression, pickled with joblib or pickle, into a model file for Prospectus.

    pip install scikit-learn joblib
    python tools/sklearn_to_model.py my_model.pkl models/my_model.json \
        --name "My ridge" --features log_return_lag_1,log_return_lag_2,momentum_21 \
        --trained-on "My 40 symbols, 2010 to 2024"

It takes LinearRegression, Ridge, Lasso or ElasticNet, alone or in a Pipeline behind a StandardScaler. The model must
have been fitted to columns in the order of --features, and to one target column a day ahead (up to 30): the log return
from the last close to that of the day, or, with --target scaled_log_return, that over the symbol's volatility and the
root of the days. models/README.md defines every feature.

Unpickling runs code from the file: convert only what you trust. The service itself never unpickles anything.
"""

import argparse
import hashlib
import json
import math
import pathlib
import pickle
import sys

FORMAT, VERSION, LONGEST_HORIZON = "prospectus-model", 1, 30


def load(path):
    try:
        import joblib

        return joblib.load(path)
    except ImportError:
        with open(path, "rb") as file:
            return pickle.load(file)


def steps(model):
    """The scaler, if there's one, and the regression."""
    parts = [step for _, step in model.steps if step not in (None, "passthrough")] if hasattr(model, "steps") else [model]
    names = [type(part).__name__ for part in parts]
    if names[-1:] and names[-1] in {"LinearRegression", "Ridge", "Lasso", "ElasticNet"}:
        if len(parts) == 1:
            return None, parts[0]
        if len(parts) == 2 and names[0] == "StandardScaler":
            return parts[0], parts[1]
    sys.exit(
        f"this is {' + '.join(names)}; it takes LinearRegression, Ridge, Lasso or ElasticNet, alone or behind a "
        "StandardScaler. Export others with skl2onnx instead."
    )


def rows(values):
    """Nested lists of floats, whether there's one target or several."""
    values = values.tolist() if hasattr(values, "tolist") else values
    return values if values and isinstance(values[0], list) else [values]


def horizons(scaler, regression, count):
    """A row a day ahead: the intercept, then the coefficients on features as they come."""
    coefficients = rows(regression.coef_)
    intercepts = regression.intercept_
    intercepts = intercepts.tolist() if hasattr(intercepts, "tolist") else intercepts
    intercepts = intercepts if isinstance(intercepts, list) else [intercepts] * len(coefficients)
    means, scales = [0.0] * count, [1.0] * count
    if scaler is not None:
        means = scaler.mean_.tolist() if scaler.with_mean else means
        scales = scaler.scale_.tolist() if scaler.with_std else scales
    for coefficient in coefficients:
        if len(coefficient) != count:
            sys.exit(f"the model has {len(coefficient)} features, and --features names {count}")
    if len(coefficients) > LONGEST_HORIZON:
        sys.exit(f"the model has {len(coefficients)} targets; up to {LONGEST_HORIZON} are possible, one a day ahead")
    table = []
    for intercept, row in zip(intercepts, coefficients):
        slopes = [c / s for c, s in zip(row, scales)]
        table.append([intercept - math.fsum(c * m for c, m in zip(slopes, means))] + slopes)
    if not all(math.isfinite(number) for row in table for number in row):
        sys.exit("a coefficient of the model is not a finite number")
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pickle", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--features", required=True, help="names, separated by commas, in the order of the columns")
    parser.add_argument("--target", choices=["log_return", "scaled_log_return"], default="log_return")
    parser.add_argument("--trained-on", required=True, help="one line: which data, from when to when")
    arguments = parser.parse_args()

    features = [name.strip() for name in arguments.features.split(",") if name.strip()]
    scaler, regression = steps(load(arguments.pickle))
    model = {
        "name": arguments.name,
        "features": features,
        "target": arguments.target,
        "shrinkage": 1.0,
        "horizons": horizons(scaler, regression, len(features)),
        "about": "centre",
        "card": {
            "trained_on": arguments.trained_on,
            "notes": [f"Converted from scikit-learn's {type(regression).__name__}."],
        },
    }
    text = json.dumps(model, separators=(",", ":"))
    checksum = hashlib.sha256(text.encode()).hexdigest()
    arguments.out.write_text(
        f'{{"format":"{FORMAT}","version":{VERSION},"checksum":"sha256:{checksum}",\n"model":{text}}}\n', encoding="utf-8"
    )
    print(f"{arguments.out}: {len(features)} features, {len(model['horizons'])} days ahead")


if __name__ == "__main__":
    main()
