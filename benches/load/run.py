#!/usr/bin/env python3
"""The load bench: a database of 2,000 issues and 200 symbols with 5,000 bars each, the binary, and wrk.

    cargo build --release
    python3 benches/load/run.py --binary target/release/prospectus --database postgres

Needs wrk, and for PostgreSQL its server's programs. Prints for each case requests a second, the median and the 99th
percentile of a request in milliseconds, the service's processor time a request, its peak memory, and how often
PostgreSQL alone runs the same statement (pgbench, prepared). Nothing else should run beside it.
"""

import argparse
import contextlib
import glob
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

import cases
import data

HERE = pathlib.Path(__file__).parent
TOKEN = "a token of the load bench"
CONNECTIONS = 8


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def postgres_program(name):
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)
    return found or exit(f"{name} of PostgreSQL is not installed")


@contextlib.contextmanager
def postgres(folder):
    """A server of its own; it refuses to run as root, so it runs as nobody then."""
    place = folder / "pg"
    place.mkdir()
    as_user = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chmod(folder, 0o755)
        os.chown(place, nobody.pw_uid, nobody.pw_gid)
        as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    quiet = {"stdout": subprocess.DEVNULL, "cwd": place, **as_user}
    subprocess.run([postgres_program("initdb"), "-D", place / "data", "-U", "bench", "-A", "trust"], check=True, **quiet)
    port = free_port()
    server = subprocess.Popen([postgres_program("postgres"), "-D", place / "data", "-p", str(port), "-k", place,
                               "-c", "shared_buffers=1GB"], stderr=subprocess.DEVNULL, **quiet)
    psql = [postgres_program("psql"), "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(port), "-U", "bench", "postgres"]
    try:
        until(lambda: subprocess.run([*psql, "-c", "SELECT 1"], capture_output=True).returncode == 0, "PostgreSQL")
        yield f"postgres://bench@127.0.0.1:{port}/postgres", psql
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def service(binary, database, folder, more=None):
    port = free_port()
    settings = {"DATABASE_URL": database, "LISTEN": f"127.0.0.1:{port}", "ADMIN_TOKEN": TOKEN, "RATE_LIMIT": "off",
                "IPO_SCHEDULE": "off", "PRICE_SCHEDULE": "off", "MARKET_SCHEDULE": "off", "RUST_LOG": "warn", **(more or {})}
    process = subprocess.Popen([binary, "serve"], env={"PATH": os.environ["PATH"], **settings}, cwd=folder)
    url = f"http://127.0.0.1:{port}"

    def is_ready():
        if process.poll() is not None:
            raise SystemExit("the service ended")
        try:
            return urllib.request.urlopen(f"{url}/readyz", timeout=1).status == 200
        except OSError:
            return False

    try:
        until(is_ready, "the service")
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def until(holds, what, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"{what} was not there within {seconds} s")
        time.sleep(0.1)


def processor_seconds(pid):
    """Of a process and those that it has started."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(map(processor_seconds, found))


def peak_memory(pid):
    """MiB since the peak was last forgotten."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1_024


def drive(url, pid, lines, seconds, folder):
    """Requests a second, milliseconds at the median and the 99th percentile, processor ms a request, MiB, faults."""
    file = folder / "requests"
    file.write_text("\n".join(lines) + "\n")
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = processor_seconds(pid)
    wrk = ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--timeout", "30s", "-s",
           HERE / "requests.lua", url, "--", file, TOKEN]
    told = subprocess.run(wrk, check=True, capture_output=True, text=True).stdout
    numbers = told.split("RESULT ")[1].split()[:6]
    requests, took, median, worst, _, faults = (float(n) for n in numbers)
    used = processor_seconds(pid) - before
    return requests / (took / 1e6), median / 1e3, worst / 1e3, 1e3 * used / max(requests, 1), peak_memory(pid), int(faults)


def sql_alone(psql, statement, seconds, folder):
    """Transactions a second of the same statement, without the service."""
    script = folder / "statement.sql"
    script.write_text(statement)
    port = psql[psql.index("-p") + 1]
    told = subprocess.run([postgres_program("pgbench"), "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-T", str(seconds),
                           "-f", script, "-h", "127.0.0.1", "-p", port, "-U", "bench", "postgres"],
                          check=True, capture_output=True, text=True).stdout
    return float(told.split("tps = ")[1].split()[0])


def check(url, line):
    """An answer with errors in it would be quick, and no figure."""
    method, path, body = line.split("\t")
    request = urllib.request.Request(url + path, body.encode() or None, method=method)
    request.add_header("Authorization", f"Bearer {TOKEN}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request) as answer:
        content = answer.read()
    if body and (b'"errors":[' in content or b'"message":' in content):
        raise SystemExit(f"{body[:300]}\n{content[:500]}")


def bench(options, database, folder):
    with contextlib.ExitStack() as stack:
        psql = None
        if database == "postgres":
            address, psql = stack.enter_context(postgres(folder))
        else:
            address = f"sqlite://{folder}/bench.db"
        with service(options.binary, address, folder):
            pass
        if psql:
            data.fill_postgres(psql, options.ipos, options.symbols, options.bars)
        else:
            data.fill_sqlite(folder / "bench.db", options.ipos, options.symbols, options.bars)
        kept = {"RESPONSE_CACHE": str(options.kept or "off")}
        url, pid = stack.enter_context(service(options.binary, address, folder, kept))
        print(f"\n{database}: {options.ipos:,} issues, {options.symbols:,} symbols with {options.bars:,} bars each")
        print(f"{'case':<52}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'cpu ms':>8}{'MiB':>7}{'SQL alone':>11}")
        day = lambda i: data.day(i, options.bars)
        for name, lines, statement in cases.cases(url, TOKEN, options.symbols, options.bars, day):
            if options.only not in name:
                continue
            for line in lines[:: max(1, len(lines) // 10)]:
                check(url, line)
            rate, median, worst, used, memory, faults = drive(url, pid, lines, options.seconds, folder)
            alone = f"{sql_alone(psql, statement, options.seconds, folder):>11,.0f}" if psql and statement else ""
            told = f"  {faults} faults" if faults else ""
            print(f"{name:<52}{rate:>10,.0f}{median:>9.2f}{worst:>9.2f}{used:>8.2f}{memory:>7.0f}{alone}{told}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, type=lambda path: pathlib.Path(path).resolve(strict=True))
    parser.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--seconds", type=int, default=10, help="for each case")
    parser.add_argument("--only", default="", help="cases with this in their name")
    parser.add_argument("--kept", type=int, default=0, metavar="MIB", help="give known answers again; off otherwise")
    parser.add_argument("--ipos", type=int, default=2_000)
    parser.add_argument("--symbols", type=int, default=200)
    parser.add_argument("--bars", type=int, default=5_000)
    options = parser.parse_args()
    for database in ["sqlite", "postgres"] if options.database == "both" else [options.database]:
        with tempfile.TemporaryDirectory() as folder:
            bench(options, database, pathlib.Path(folder))


if __name__ == "__main__":
    main()
