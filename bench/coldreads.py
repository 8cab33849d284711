"""What a consumer that reads from the disk does to one that reads at the end of another topic, and to its producer.

BENCH_COLD_GB (4): size of the topic that is read from the disk. BENCH_COLD_SECONDS (10): how long each turn is measured.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from broker import BIN, Broker
from table import row

GIGABYTES = int(os.environ.get("BENCH_COLD_GB", 4))
SECONDS = int(os.environ.get("BENCH_COLD_SECONDS", 10))
RATE = 1000
RECORD_BYTES = 1000
ROOT = Path(__file__).resolve().parents[1]


def forget(directory):
    """Has the kernel forget the files' contents. What has not been written yet stays."""
    os.sync()
    for path in directory.glob("*"):
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def tail(client, broker):
    """Median, 99 % and most, in milliseconds, of records until they are read, then the same until they are acknowledged."""
    arguments = [client, "tail", broker.address, "tail", SECONDS, RATE]
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [float(word) for word in done.stdout.split()]


def beside_reader(client, broker, records):
    """The same while a reader reads the big topic again and again, and how fast it reads."""
    reader = subprocess.Popen([str(client), "consume", broker.address, "big", str(records)], stdout=subprocess.PIPE)
    before = io_bytes(broker)
    start = time.perf_counter()
    try:
        figures = tail(client, broker)
        read = (io_bytes(broker) - before) / (time.perf_counter() - start)
        return figures, read, reader.poll() is None
    finally:
        reader.kill()
        reader.wait()


def io_bytes(broker):
    """Bytes that the broker had read from disks."""
    for line in Path(f"/proc/{broker.process.pid}/io").read_text().splitlines():
        if line.startswith("read_bytes:"):
            return int(line.split()[1])


def measure():
    with tempfile.TemporaryDirectory(prefix="kafka-bench-") as work:
        client = Path(work) / "client"
        subprocess.run(["cc", "-O2", "-o", client, ROOT / "bench" / "client.c", "-lrdkafka", "-lpthread"], check=True)
        broker = Broker()
        try:
            for topic in ("big", "tail"):
                subprocess.run([str(BIN / "kadmin"), "topic", "create", topic, "-p", "1", "-b", broker.address],
                               check=True, stdout=subprocess.DEVNULL)
            records = GIGABYTES * 1_000_000
            subprocess.run([str(a) for a in (client, "produce", broker.address, "big", records, RECORD_BYTES)],
                           check=True, stdout=subprocess.DEVNULL)
            big = broker.data / "data" / "big-0"
            os.sync()
            tail(client, broker)
            turns = {"alone": [], "warm": [], "cold": []}
            for _ in range(2):
                turns["alone"].append((tail(client, broker), 0))
                turns["warm"].append(beside_reader(client, broker, records)[:2])
                forget(big)
                figures, read, _ = beside_reader(client, broker, records)
                turns["cold"].append((figures, read))
            best = {name: min(found, key=lambda one: one[0][1]) for name, found in turns.items()}
            alone, warm, cold = (best[name][0] for name in ("alone", "warm", "cold"))
            what = f"{RATE:,} records/s at the end of a topic"
            row(f"{what}, until they are read: p50, p99, most", "%.1f, %.1f, %.1f ms" % tuple(alone[:3]))
            row("  beside a reader of %d GB, from the disk at %.0f MB/s" % (GIGABYTES, best["cold"][1] / 1e6),
                "%.1f, %.1f, %.1f ms" % tuple(cold[:3]), "from memory %.1f, %.1f, %.1f ms" % tuple(warm[:3]),
                f"{cold[1] / max(alone[1], 0.01):.1f} x alone")
            row("  until they are acknowledged, alone", "%.1f, %.1f, %.1f ms" % tuple(alone[3:]))
            row("  until they are acknowledged, beside that reader", "%.1f, %.1f, %.1f ms" % tuple(cold[3:]),
                "from memory %.1f, %.1f, %.1f ms" % tuple(warm[3:]), f"{cold[4] / max(alone[4], 0.01):.1f} x alone")
        except BaseException:
            print(f"broker: exit status {broker.process.poll()}, last lines:\n{broker.log()[-3000:]}", file=sys.stderr)
            raise
        finally:
            broker.close()
