"""Writes samples/alpha_vantage/*.json from the public-domain prices of the PyPI package bokeh_sampledata.

    pip install bokeh_sampledata
    python tools/make_samples.py samples/alpha_vantage

Open, high, low, close, volume and adjusted close are the source's. Split coefficients and dividends are worked out
from the steps of its adjustment factor (adjusted close / close): a step of 1.2 or more is a split, a smaller one a
dividend.
"""

import csv
import gzip
import importlib.util
import pathlib
import sys

PLAUSIBLE = [1.5, 2, 3, 4, 5, 7, 10]


def rows():
    spec = importlib.util.find_spec("bokeh_sampledata")
    folder = pathlib.Path(spec.submodule_search_locations[0])
    with gzip.open(folder / "_data" / "stocks.csv.gz", "rt") as file:
        yield from csv.DictReader(file)


def steps(bars):
    """The split coefficient and the dividend of each bar, oldest first."""
    previous = None
    for bar in bars:
        close, factor = float(bar["Close"]), float(bar["Adj Close"]) / float(bar["Close"])
        split, dividend = 1.0, 0.0
        if previous is not None:
            step = factor / previous[1]
            if step > 1.2:
                split = min(PLAUSIBLE, key=lambda ratio: abs(ratio - step))
                step /= split
            if step > 1.0005:
                dividend = previous[0] / split * (1 - 1 / step)
        yield split, dividend
        previous = (close, factor)


def document(ticker, bars):
    lines = []
    for bar, (split, dividend) in zip(bars, steps(bars)):
        lines.append(
            f'"{bar["Date"]}":{{"1. open":"{float(bar["Open"]):.4f}","2. high":"{float(bar["High"]):.4f}",'
            f'"3. low":"{float(bar["Low"]):.4f}","4. close":"{float(bar["Close"]):.4f}",'
            f'"5. adjusted close":"{float(bar["Adj Close"]):.4f}","6. volume":"{int(float(bar["Volume"]))}",'
            f'"7. dividend amount":"{dividend:.4f}","8. split coefficient":"{split:.1f}"}}'
        )
    lines.reverse()
    return (
        '{"Meta Data":{"1. Information":"Daily Time Series with Splits and Dividend Events",'
        f'"2. Symbol":"{ticker}","3. Last Refreshed":"{bars[-1]["Date"]}","4. Output Size":"Full size",'
        '"5. Time Zone":"US/Eastern"},"Time Series (Daily)":{\n' + ",\n".join(lines) + "\n}}\n"
    )


def main(folder):
    by_ticker = {}
    for row in rows():
        by_ticker.setdefault(row["Ticker"], []).append(row)
    for ticker, bars in by_ticker.items():
        bars.sort(key=lambda bar: bar["Date"])
        (pathlib.Path(folder) / f"{ticker}.json").write_text(document(ticker, bars))


if __name__ == "__main__":
    main(sys.argv[1])
