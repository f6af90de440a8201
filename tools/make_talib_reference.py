"""Computes reference values of every indicator with TA-Lib itself, for engines/src/market/indicators_tests.rs.

    python -m venv venv && venv/bin/pip install TA-Lib numpy
    venv/bin/python tools/make_talib_reference.py > tests/fixtures/talib.json

The bars are those of tests/fixtures/models/bars.csv, in the public domain. null stands where TA-Lib gives none.
"""

import csv
import json
import math
import pathlib

import numpy
import talib

BARS = 160
ROOT = pathlib.Path(__file__).resolve().parent.parent

with open(ROOT / "tests/fixtures/models/bars.csv", newline="") as file:
    rows = list(csv.DictReader(file))[:BARS]
high, low, close = (numpy.array([float(row[name]) for row in rows]) for name in ("high", "low", "close"))
# A share that rests: deviations and gains of nothing.
flat = numpy.full(60, 12.5)
flat[40:] += numpy.arange(20) / 4

values = {}
for window in (2, 5, 14, 50):
    values[f"sma {window}"] = talib.SMA(close, window)
    values[f"ema {window}"] = talib.EMA(close, window)
    values[f"rsi {window}"] = talib.RSI(close, window)
    values[f"highest {window}"] = talib.MAX(close, window)
    values[f"lowest {window}"] = talib.MIN(close, window)
    values[f"atr {window}"] = talib.ATR(high, low, close, window)
for window, deviations in ((5, 1.5), (20, 2.0)):
    upper, _, lower = talib.BBANDS(close, window, deviations, deviations)
    values[f"upper {window} {deviations}"], values[f"lower {window} {deviations}"] = upper, lower
for periods in ((12, 26, 9), (3, 7, 4)):
    line, signal, _ = talib.MACD(close, *periods)
    name = " ".join(map(str, periods))
    values[f"macd {name}"], values[f"signal {name}"] = line, signal
values["flat rsi 14"] = talib.RSI(flat, 14)
upper, _, lower = talib.BBANDS(flat, 20, 2.0, 2.0)
values["flat upper 20 2.0"], values["flat lower 20 2.0"] = upper, lower

shown = {name: [None if math.isnan(v) else round(float(v), 12) for v in column] for name, column in values.items()}
body = ",\n".join(f"  {json.dumps(name)}: {json.dumps(column)}" for name, column in shown.items())
print(f'{{"made_with": "TA-Lib {talib.__ta_version__.decode().split()[0]}", "bars": {BARS}, "values": {{\n{body}\n}}}}')
