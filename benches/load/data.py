"""The same rows in either database: issues, and symbols with years of daily bars."""

import datetime
import json
import random
import sqlite3
import subprocess

TODAY = (datetime.date.today() - datetime.date(1970, 1, 1)).days
NOW = TODAY * 86_400_000


def ipos(count):
    draw = random.Random(1)
    for i in range(count):
        low = draw.randint(50, 900)
        open_day = TODAY - draw.randint(5, 3_000)
        total = round(draw.uniform(0.5, 120), 2)
        subscription = {"scope": "Exchange", "as_of": None, "total": total, "qualified_institutional": None,
                        "non_institutional": None, "retail": round(total / 2, 2), "employee": None}
        yield {
            "exchange": draw.choice(["NSE", "NSE", "BSE"]), "name": f"Company {i:04} Limited",
            "name_key": f"company{i:04}limited", "ticker": f"CO{i:04}", "board": draw.choice(["MAINBOARD", "SME"]),
            "issue_price": f"{low + 10}.00", "issue_price_units": (low + 10) * 1_000_000,
            "price_band_low": f"{low}.00", "price_band_high": f"{low + 10}.00", "currency": "INR",
            "lot_size": draw.choice([10, 25, 100]), "issue_size": draw.randint(100_000, 50_000_000),
            "open_day": open_day, "close_day": open_day + 3, "listing_day": open_day + 9, "face_value": "10",
            "registrar": "Some Registrar", "subscription": json.dumps(subscription), "source": "NSE", "seen": "{}",
            "subscription_total": total, "created_at": NOW - i, "updated_at": NOW - i,
        }


def symbols(count, bars):
    for i in range(1, count + 1):
        yield {
            "id": i, "ticker": f"SYM{i:03}", "name": f"Symbol {i:03}", "exchange": "NSE", "currency": "INR",
            "source": "CSV", "bar_count": bars, "data_version": 1, "created_at": NOW,
            "first_day": day(0, bars), "last_day": day(bars - 1, bars),
        }


def day(i, bars):
    """The weekday that bar `i` of `bars` is of; the last is the Friday before this week."""
    friday = TODAY - (TODAY + 3) % 7 - 3
    weeks, rest = divmod(bars - 1 - i, 5)
    return friday - 7 * weeks - rest


def bars(symbol, count):
    draw = random.Random(symbol)
    price = draw.uniform(50, 500)
    for i in range(count):
        price = max(1.0, price * (1 + draw.gauss(0.0003, 0.015)))
        close = round(price * (1 + draw.gauss(0, 0.005)), 2)
        open_ = round(price, 2)
        high = round(max(open_, close) * 1.005 + 0.01, 2)
        low = round(min(open_, close) * 0.995, 2)
        yield symbol, day(i, count), open_, high, low, close, draw.randint(10_000, 9_000_000), 1


BAR = ["symbol_id", "day", "open", "high", "low", "close", "volume", "source"]


def fill_sqlite(path, issues, tickers, count):
    database = sqlite3.connect(path)
    for table, rows in (("ipos", list(ipos(issues))), ("symbols", list(symbols(tickers, count)))):
        names = list(rows[0])
        sql = f"INSERT INTO {table} ({','.join(names)}) VALUES ({','.join('?' * len(names))})"
        database.executemany(sql, [list(row.values()) for row in rows])
    sql = f"INSERT INTO price_bars ({','.join(BAR)}) VALUES ({','.join('?' * len(BAR))})"
    for symbol in range(1, tickers + 1):
        database.executemany(sql, bars(symbol, count))
    database.commit()
    database.close()


def fill_postgres(psql, issues, tickers, count):
    for table, rows in (("ipos", ipos(issues)), ("symbols", symbols(tickers, count))):
        rows = list(rows)
        copy(psql, table, list(rows[0]), (row.values() for row in rows))
    copy(psql, "price_bars", BAR, (bar for symbol in range(1, tickers + 1) for bar in bars(symbol, count)))
    run = [*psql, "-c", "SELECT setval('symbols_id_seq', (SELECT max(id) FROM symbols))", "-c", "VACUUM ANALYZE"]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)


def copy(psql, table, names, rows):
    process = subprocess.Popen([*psql, "-c", f"\\copy {table} ({','.join(names)}) from stdin"], stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, text=True)
    for row in rows:
        process.stdin.write("\t".join("\\N" if v is None else str(v).replace("\\", "\\\\") for v in row) + "\n")
    process.stdin.close()
    if process.wait() != 0:
        raise SystemExit(f"{table} could not be filled")
