"""Writes tests/fixtures/models: models made by scikit-learn and skl2onnx, and what scikit-learn itself predicts.

    pip install scikit-learn skl2onnx joblib numpy
    python tools/make_model_fixtures.py

The prices are two years of the public-domain AAPL of samples/. Features are computed here on their own, so
that the service's are checked against a second computation.
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile

import joblib
import numpy as np
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "tests" / "fixtures" / "models"
HORIZON, FIRST = 30, 60
FEATURES = ["log_return_lag_1", "log_return_lag_2", "log_return_lag_5", "momentum_21", "sma_distance_50",
            "volatility_20", "range_10", "scaled_momentum_10"]


def bars():
    days = json.loads((ROOT / "samples/alpha_vantage/AAPL.json").read_text())["Time Series (Daily)"]
    for day in sorted(days)[:700]:
        bar = days[day]
        yield day, *(float(bar[name]) for name in ("1. open", "2. high", "3. low", "4. close")), int(bar["6. volume"])


def row(high, low, close, t):
    log = np.log(close)
    returns = np.diff(log[: t + 1])
    sigma = math.sqrt(np.mean(returns[-1000:] ** 2))
    return [
        log[t] - log[t - 1],
        log[t - 1] - log[t - 2],
        log[t - 4] - log[t - 5],
        log[t] - log[t - 21],
        math.log(close[t] / close[t - 49 : t + 1].mean()),
        returns[-20:].std(ddof=1),
        np.log(high[t - 9 : t + 1] / low[t - 9 : t + 1]).mean(),
        (log[t] - log[t - 10]) / (sigma * math.sqrt(10)),
    ]


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    # After the fall by half of September 2000, which looks like a split in raw prices.
    table = [bar for bar in bars() if bar[0] >= "2000-10-02"]
    high, low, close = (np.array([bar[i] for bar in table]) for i in (2, 3, 4))
    log = np.log(close)
    origins = range(FIRST, len(close) - HORIZON)
    x = np.array([row(high, low, close, t) for t in origins])
    y = np.array([[log[t + h] - log[t] for h in range(1, HORIZON + 1)] for t in origins])
    last = np.array([row(high, low, close, len(close) - 1)])

    with open(OUT / "bars.csv", "w", encoding="utf-8") as file:
        file.write("date,open,high,low,close,volume\n")
        for day, o, h, l, c, v in table:
            file.write(f"{day},{o:.4f},{h:.4f},{l:.4f},{c:.4f},{v}\n")

    expected = {}
    models = {
        "ridge": Ridge(alpha=0.01),
        "scaled_ridge": make_pipeline(StandardScaler(), Ridge(alpha=1.0)),
    }
    for name, model in models.items():
        model.fit(x, y)
        expected[f"sklearn {name}"] = model.predict(last)[0].tolist()
        with tempfile.TemporaryDirectory() as folder:
            pickle = pathlib.Path(folder) / f"{name}.pkl"
            joblib.dump(model, pickle)
            subprocess.run(
                [sys.executable, ROOT / "tools/sklearn_to_model.py", pickle, OUT / f"{name}.json", "--name",
                 f"sklearn {name}", "--features", ",".join(FEATURES), "--trained-on", "AAPL, 2000 to 2002"],
                check=True,
            )
    exported = {
        "onnx_scaled_ridge": models["scaled_ridge"],
        "onnx_forest": RandomForestRegressor(n_estimators=8, max_depth=4, random_state=1).fit(x, y),
    }
    for name, model in exported.items():
        expected[name.replace("_", " ")] = model.predict(last)[0].tolist()
        (OUT / f"{name}.onnx").write_bytes(to_onnx(model, x[:1].astype(np.float32)).SerializeToString())
        sidecar = {"format": "prospectus-onnx", "version": 1, "name": name.replace("_", " "), "features": FEATURES,
                   "target": "log_return", "trained_on": "AAPL, 2000 to 2002"}
        (OUT / f"{name}.json").write_text(json.dumps(sidecar, indent=2) + "\n", encoding="utf-8")
    (OUT / "expected.txt").write_text(
        "".join(f"{name}: {' '.join(map(repr, values))}\n" for name, values in expected.items()), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
