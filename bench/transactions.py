"""What transactions cost: lines through kproduce with a transaction every 100 ms, and without any, turn by turn."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from broker import BIN, Broker
from table import row

# Enough for some tens of transactions: the start of the tool and its last transaction are part of what is measured.
LINES = int(os.environ.get("BENCH_TRANSACTION_LINES", 10_000_000))
# A disk that is shared with others moves both sides by a quarter: the best of three turns is no measure.
ROUNDS = 4 * int(os.environ.get("BENCH_ROUNDS", 3))
LINE = b"some words that fill a line, " * 4


def seconds(broker, topic, lines, *options):
    command = [BIN / "kproduce", "-b", broker.address, "-q", "-t", topic, *options, lines]
    start = time.perf_counter()
    subprocess.run([str(part) for part in command], check=True)
    return time.perf_counter() - start


def kadmin(broker, *words):
    subprocess.run([str(BIN / "kadmin"), "topic", *words, "-b", broker.address], check=True, stdout=subprocess.DEVNULL)


def measure():
    broker = Broker(log_retention_bytes=1 << 30, log_segment_delete_delay_ms=0)
    try:
        with tempfile.TemporaryDirectory(prefix="kafka-bench-") as work:
            lines = Path(work) / "lines"
            with open(lines, "wb") as out:
                for _ in range(LINES // 10_000):
                    out.write((LINE[:99] + b"\n") * 10_000)
            took = {"plain": [], "transactions": []}
            for turn in range(ROUNDS):
                for way, options in (("plain", []), ("transactions", ["--transactional-id", "bench", "--commit-every", "100ms"])):
                    topic = f"{way}-{turn}"
                    kadmin(broker, "create", topic, "-p", "1")
                    took[way].append(seconds(broker, topic, lines, *options))
                    kadmin(broker, "delete", topic, "-y")
        plain, transactions = min(took["plain"]), min(took["transactions"])
        row(f"kproduce --commit-every 100ms, {LINES:,} lines of 100 B",
            f"{transactions:.2f} s, {LINES / transactions / 1e6:.2f} M/s", f"plain {plain:.2f} s, {LINES / plain / 1e6:.2f} M/s",
            f"{plain / transactions:.2f} x", "0.9 x or more", plain / transactions >= 0.9)
    finally:
        broker.close()
