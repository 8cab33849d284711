"""Many partitions: how long it takes to open them after a clean stop, and what memory they take while nobody uses them.

BENCH_PARTITIONS (2000): each has 10 segments.
"""

import os
import re
import shutil
import subprocess
import sys
import time

from broker import BIN, Broker
from table import row

PARTITIONS = int(os.environ.get("BENCH_PARTITIONS", 2000))
SEGMENTS = 10
OPEN_FILES = 1024


def ready_ms(broker):
    return int(re.search(r"([\d,]+) ms", broker.ready)[1].replace(",", ""))


def restart(broker, settle=2):
    """Milliseconds until it was ready, and resident KiB some time after that."""
    assert broker.stop(timeout=300) == 0
    broker.start()
    time.sleep(settle)
    return ready_ms(broker), broker.rss_mb()[0] * 1024


def fill(broker):
    """Makes the topics, and gives every partition the segments of the first one, which the broker itself has made."""
    topics = [f"many-{number}" for number in range(PARTITIONS // 100)]
    for topic in topics:
        subprocess.run([str(BIN / "kadmin"), "topic", "create", topic, "-p", "100", "-b", broker.address], check=True,
                       stdout=subprocess.DEVNULL)
    for number in range(SEGMENTS):
        subprocess.run([str(BIN / "kproduce"), "-b", broker.address, "-q", "-t", topics[0], "-p", "0"], check=True,
                       input=b"%d %s\n" % (number, b"x" * 400))
    assert broker.stop(timeout=300) == 0
    data = broker.data / "data"
    files = [path for path in (data / f"{topics[0]}-0").iterdir() if path.name[:20].isdigit()]
    assert len([path for path in files if path.suffix == ".log"]) == SEGMENTS
    for directory in data.glob("many-*-*"):
        if directory == files[0].parent:
            continue
        for path in directory.iterdir():
            if path.name[:20].isdigit():
                path.unlink()
        for path in files:
            shutil.copyfile(path, directory / path.name)
    broker.start()


def measure():
    broker = Broker(log_segment_bytes=500)
    try:
        empty = [restart(broker) for _ in range(3)]
        fill(broker)
        opened = [restart(broker) for _ in range(5)]
        before, start = broker.cpu_seconds(), time.perf_counter()
        time.sleep(10)
        idle = (broker.cpu_seconds() - before) / (time.perf_counter() - start)
        files = len(os.listdir(f"/proc/{broker.process.pid}/fd"))
        milliseconds = min(ms for ms, _ in opened)
        bytes_each = (min(kib for _, kib in opened) - min(kib for _, kib in empty)) * 1024 / PARTITIONS
        row(f"start with {PARTITIONS:,} partitions of {SEGMENTS} segments, after a clean stop",
            f"{milliseconds:,} ms (worst {max(ms for ms, _ in opened):,})",
            f"with none {min(ms for ms, _ in empty)} ms", "", "below 1 s", milliseconds < 1000)
        row("  memory for each of these idle partitions", f"{bytes_each / 1000:.1f} kB", "", "", "below 8 KB",
            bytes_each < 8000)
        row("  processor while nobody uses them", f"{idle * 100:.2f} % of one", f"{files} files open")
    except BaseException:
        print(f"broker: exit status {broker.process.poll()}, last lines:\n{broker.log()[-3000:]}", file=sys.stderr)
        raise
    finally:
        broker.close()
