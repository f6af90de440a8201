#!/usr/bin/env python3
"""A stand-in for the exchange's archive, to measure a backfill with.

    python3 tools/market_archive.py make /tmp/archive --first 2021-07-01 --days 1250
    python3 tools/market_archive.py serve /tmp/archive --port 9200

`make` writes made-up daily files where the archive keeps them: the old layout up to 2024-07-05, UDiFF from then on, each
with shares of the main board and the SME board, funds, bonds, entitlements, some splits, renamed tickers and first days.
`serve` answers with them. Then, with NSE_ARCHIVE_URL=http://127.0.0.1:9200 and NSE_ARCHIVE_PER_SECOND=0, a service is
asked for refreshMarket(input: {exchange: NSE, from: …, to: …}). The same arguments make the same bytes.
"""

import argparse
import datetime
import http.server
import io
import pathlib
import random
import zipfile

OLD = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,\n"
UDIFF = (
    "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,FininstrmActlXpryDt,StrkPric,OptnTp,"
    "FinInstrmNm,OpnPric,HghPric,LwPric,ClsPric,LastPric,PrvsClsgPric,UndrlygPric,SttlmPric,OpnIntrst,ChngInOpnIntrst,"
    "TtlTradgVol,TtlTrfVal,TtlNbOfTxsExctd,SsnId,NewBrdLotQty,Rmks,Rsvd1,Rsvd2,Rsvd3,Rsvd4\n"
)
LAST_OLD = datetime.date(2024, 7, 5)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Share:
    def __init__(self, number, chance, series):
        a, b, c = number // 676 % 26, number // 26 % 26, number % 26
        self.stem = f"{LETTERS[a]}{LETTERS[b]}{LETTERS[c]}{number}"
        self.ticker = self.stem
        self.renames = 0
        self.version = 1
        self.number = number
        self.series = series
        self.close = round(chance.uniform(20, 3000) * 20) / 20
        self.fresh = True

    @property
    def isin(self):
        return f"INE{self.number:04d}A0{self.version:02d}{self.version % 10}"

    def day(self, chance):
        """Open, high, low, close, previous close, volume."""
        previous = self.close
        event = chance.random()
        start = previous
        if event < 0.0002 and not self.fresh:
            ratio = chance.choice([2, 5, 10])
            start = max(previous / ratio, 0.05)
            self.version += 1
        elif event < 0.0003 and not self.fresh:
            self.renames += 1
            self.ticker = f"{self.stem}N{self.renames}"
        self.fresh = False
        tick = lambda price: max(round(price * 20) / 20, 0.05)
        opened = tick(start * (1 + chance.gauss(0, 0.004)))
        closed = tick(opened * (1 + chance.gauss(0, 0.015)))
        high = max(opened, closed, tick(max(opened, closed) * (1 + abs(chance.gauss(0, 0.005)))))
        low = min(opened, closed, tick(min(opened, closed) * (1 - abs(chance.gauss(0, 0.005)))))
        self.close = closed
        return opened, high, low, closed, previous, int(chance.expovariate(1 / 80_000)) + 1


def rows_of(day, shares, chance):
    """Ticker, series, ISIN, prices of a day: shares, and what stands among them."""
    for share in shares:
        opened, high, low, closed, previous, volume = share.day(chance)
        yield share.ticker, share.series, share.isin, opened, high, low, closed, previous, volume
    for number in range(300):
        price = 10 + number
        yield f"FUND{number}ETF", "EQ", f"INF{number:04d}K0101", price, price, price, price, price, 10
    for number in range(300):
        yield f"BOND{number}", "N1", f"INE{number:04d}A0701", 1000, 1000, 1000, 1000, 1000, 1
    yield f"{shares[0].stem}-RE", "BE", f"INE{shares[0].number:04d}A2001", 1, 1, 1, 1, 1, 1


def number(value):
    return f"{value:.2f}"


def shortest(value):
    return f"{value:.2f}".rstrip("0").rstrip(".")


def old(day, rows):
    stamp = day.strftime("%d-%b-%Y").upper()
    for ticker, series, isin, opened, high, low, closed, previous, volume in rows:
        prices = ",".join(map(shortest, (opened, high, low, closed, closed, previous)))
        yield f"{ticker},{series},{prices},{volume},{volume * closed:.2f},{stamp},{volume // 20 + 1},{isin},\n"


def udiff(day, rows):
    stamp = day.isoformat()
    for at, (ticker, series, isin, opened, high, low, closed, previous, volume) in enumerate(rows):
        prices = ",".join(map(number, (opened, high, low, closed, closed, previous)))
        yield (
            f"{stamp},{stamp},CM,NSE,STK,{at + 1},{isin},{ticker},{series},,,,,A COMPANY,{prices},,{closed:.2f},,,"
            f"{volume},{volume * closed:.2f},{volume // 20 + 1},F1,1,,,,,\n"
        )


def make(folder, first, days, count):
    chance = random.Random(7)
    shares = [Share(n, chance, "SM" if n % 6 == 5 else "BE" if n % 17 == 3 else "EQ") for n in range(count)]
    day, made = first, 0
    while made < days:
        if day.weekday() < 5 and (day.month, day.day) not in {(1, 26), (8, 15), (10, 2), (12, 25)}:
            # A share goes and another is listed about once a week.
            if made % 5 == 4:
                shares.pop(chance.randrange(len(shares)))
                shares.append(Share(count, chance, "EQ"))
                count += 1
            is_old = day <= LAST_OLD
            rows = rows_of(day, shares, chance)
            if is_old:
                name = f"cm{day.strftime('%d%b%Y').upper()}bhav.csv"
                path = folder / "content/historical/EQUITIES" / str(day.year) / day.strftime("%b").upper()
                text = OLD + "".join(old(day, rows))
            else:
                name = f"BhavCopy_NSE_CM_0_0_0_{day.strftime('%Y%m%d')}_F_0000.csv"
                path = folder / "content/cm"
                text = UDIFF + "".join(udiff(day, rows))
            path.mkdir(parents=True, exist_ok=True)
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED, 1)
            (path / f"{name}.zip").write_bytes(packed.getvalue())
            made += 1
        day += datetime.timedelta(1)
    print(f"{made} days from {first} to {day - datetime.timedelta(1)}, {len(shares)} shares on the last")


class Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass


def serve(folder, port):
    handler = lambda *arguments: Quiet(*arguments, directory=folder)
    http.server.ThreadingHTTPServer(("127.0.0.1", port), handler).serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "serve"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--first", type=datetime.date.fromisoformat, default=datetime.date(2021, 7, 1))
    parser.add_argument("--days", type=int, default=1250)
    parser.add_argument("--shares", type=int, default=2640)
    parser.add_argument("--port", type=int, default=9200)
    arguments = parser.parse_args()
    if arguments.what == "make":
        make(arguments.folder, arguments.first, arguments.days, arguments.shares)
    else:
        serve(arguments.folder, arguments.port)


if __name__ == "__main__":
    main()
