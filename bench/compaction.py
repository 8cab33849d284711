"""Compaction: many updates of few keys, through the broker, cleaned by it, read back and compared.

BENCH_UPDATES (5000000) and BENCH_KEYS (a fiftieth of that) make it smaller or larger.
"""

import os
import re
import subprocess
import time

from broker import BIN, Broker
from table import row

UPDATES = int(os.environ.get("BENCH_UPDATES", 5_000_000))
KEYS = int(os.environ.get("BENCH_KEYS", max(1, UPDATES // 50)))
# No divisor of any number of keys here: one key after another, in an order that looks random.
STRIDE = 1_000_003
BLOCK = 100_000
# Some of them, also when they are compressed: the last one is never cleaned.
SEGMENT_BYTES = max(1 << 20, UPDATES * 5)


def key(update):
    return update * STRIDE % KEYS


def lines(updates):
    return b"".join(b"key-%08d\tvalue number %010d of this key\n" % (key(i), i) for i in updates)


def feed(broker, codec):
    command = [BIN / "kproduce", "-b", broker.address, "-t", "compacted", "-K", "\t", "-z", codec, "--acks", "1"]
    producer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    for first in range(0, UPDATES, BLOCK):
        producer.stdin.write(lines(range(first, min(first + BLOCK, UPDATES))))
    producer.stdin.close()
    assert producer.wait() == 0, "kproduce failed"


def configure(broker, config):
    command = [BIN / "kadmin", "-b", broker.address, "topic", "config", "compacted", "--set", config]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def is_right(broker):
    """Whether a consumer from the beginning finds every key's last value. Returns that, and how many records it read."""
    command = [BIN / "kconsume", "-b", broker.address, "-t", "compacted", "-o", "beginning", "-e", "-q", "-f", "%k\t%s\n"]
    last = {}
    count = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE) as consumer:
        for line in consumer.stdout:
            name, value = line.rstrip(b"\n").split(b"\t")
            last[name] = value
            count += 1
    expected = dict(line.split(b"\t") for line in lines(range(UPDATES - KEYS, UPDATES)).split(b"\n") if line)
    return last == expected, count


def measure_codec(codec):
    broker = Broker(log_cleaner_backoff_ms=200, log_segment_delete_delay_ms=0)
    try:
        create = ["topic", "create", "compacted", "-p", "1", "-c", "cleanup.policy=compact",
                  "-c", f"segment.bytes={SEGMENT_BYTES}", "-c", "min.cleanable.dirty.ratio=1"]
        subprocess.run([BIN / "kadmin", "-b", broker.address, *create], check=True, stdout=subprocess.DEVNULL)
        feed(broker, codec)
        before, peak_before = broker.rss_mb()
        cpu = broker.cpu_seconds()
        # Until now no share of dirty bytes was large enough. All segments but the last are cleaned, in one go.
        configure(broker, "min.cleanable.dirty.ratio=0.01")
        peak, deadline = before, time.monotonic() + 1800
        while not (done := re.findall(r"log cleaned (.*)", broker.log())):
            assert broker.is_running() and time.monotonic() < deadline, broker.log()[-2000:]
            peak = max(peak, broker.rss_mb()[0])
            time.sleep(0.05)
        cpu = broker.cpu_seconds() - cpu
        facts = dict(part.split("=") for part in done[0].split())
        right, read = is_right(broker)
        moved = float(facts["readMB"]) + float(facts["writtenMB"])
        row(f"compaction, {UPDATES:,} updates of {KEYS:,} keys, {codec}",
            f"{facts['MBperSecond']} MB/s ({facts['beforeMB']} to {facts['afterMB']} MB in {facts['seconds']} s)",
            f"{cpu / max(moved / 1024, 0.001):.1f} s CPU for each GB")
        row("  memory while it cleans", f"{peak:.0f} MiB", f"before {before:.0f} MiB", "", "128 MiB for keys",
            peak - before < 160)
        row("  every key's last value is read back", f"{read:,} records", "", "", "all", right)
    finally:
        broker.close()


def measure():
    for codec in ("none", "lz4"):
        measure_codec(codec)
