#!/usr/bin/env python3
"""Every figure of the README's backtest of GOOG, counted bar by bar in fractions: tests/fixtures/goog.json.

Plain Python; shares no code with the engine. Run from the repository's root.
"""

import datetime
import json
import math
from fractions import Fraction

CASH, COMMISSION, BUY, SELL = Fraction(10_000), Fraction("0.002"), 50, 200

series = json.load(open("samples/alpha_vantage/GOOG.json"))["Time Series (Daily)"]
dates = sorted(series)
days = [datetime.date.fromisoformat(date) for date in dates]
opens = [Fraction(series[date]["1. open"]) for date in dates]
closes = [Fraction(series[date]["4. close"]) for date in dates]


def average(bar, window):
    return sum(closes[bar - window + 1 : bar + 1]) / window


def bought(cash, price):
    shares = cash // (price * (1 + COMMISSION))
    return cash - shares * price * (1 + COMMISSION), shares


cash, shares, entry = CASH, Fraction(0), None
fees, held, order = Fraction(0), 0, None
equity, profits, returns = [], [], []


def sell(price):
    global cash, shares, fees
    cash += shares * price * (1 - COMMISSION)
    fees += shares * price * COMMISSION
    profit = shares * price * (1 - COMMISSION) - shares * entry * (1 + COMMISSION)
    profits.append(profit)
    returns.append(profit / (shares * entry))
    shares = Fraction(0)


for bar in range(len(days)):
    if order == "buy":
        entry = opens[bar]
        cash, shares = bought(cash, entry)
        fees += shares * entry * COMMISSION
    elif order == "sell":
        sell(opens[bar])
    order = None
    if bar >= max(BUY, SELL) - 1:
        if not shares and closes[bar] < average(bar, BUY):
            order = "buy"
        elif shares and closes[bar] > average(bar, SELL):
            order = "sell"
    held += bool(shares)
    equity.append(cash + shares * closes[bar])
if shares:
    sell(closes[-1])
    equity[-1] = cash

rest, kept = bought(CASH, closes[0])
holding = rest + kept * closes[-1] * (1 - COMMISSION)
peak, peak_day, below, deepest, longest = CASH, days[0], False, Fraction(0), 0
for day, value in zip(days, equity):
    deepest = min(deepest, value / peak - 1)
    # Down to the day of its recovery, or to the end.
    if value < peak or below:
        longest = max(longest, (day - peak_day).days)
    below = value < peak
    if not below:
        peak, peak_day = value, day

daily = [float(b / a - 1) for a, b in zip(equity, equity[1:])]
mean = math.fsum(daily) / len(daily)
deviation = math.sqrt(math.fsum((r - mean) ** 2 for r in daily) / (len(daily) - 1))
downside = math.sqrt(math.fsum(min(r, 0) ** 2 for r in daily) / len(daily))
cagr = float(equity[-1] / CASH) ** (365.25 / (days[-1] - days[0]).days) - 1
average_profit = sum(profits) / len(profits)
spread = math.sqrt(float(sum((p - average_profit) ** 2 for p in profits) / (len(profits) - 1)))
year = math.sqrt(252)

figures = {
    "finalEquity": equity[-1],
    "totalReturn": equity[-1] / CASH - 1,
    "buyAndHoldReturn": holding / CASH - 1,
    "cagr": cagr,
    "maxDrawdown": deepest,
    "maxDrawdownDays": longest,
    "tradeCount": len(profits),
    "winRate": Fraction(sum(p > 0 for p in profits), len(profits)),
    "profitFactor": sum(p for p in profits if p > 0) / -sum(p for p in profits if p < 0),
    "bestTrade": max(returns),
    "worstTrade": min(returns),
    "averageTrade": sum(returns) / len(returns),
    "exposure": Fraction(held, len(days)),
    "volatility": deviation * year,
    "sharpe": mean / deviation * year,
    "sortino": mean / downside * year,
    "calmar": cagr / -float(deepest),
    "sqn": math.sqrt(len(profits)) * float(average_profit) / spread,
    "feesPaid": fees,
}
with open("tests/fixtures/goog.json", "w") as file:
    json.dump({name: float(figure) for name, figure in figures.items()}, file, indent=2)
    file.write("\n")
