"""Rows about durability: appends beside raw writes of the same bytes, a flushed batch's price, recovery after a kill."""

import os
import re
import select
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from broker import Broker
from conftest import create_topic
from table import row
import wire

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 3))
RECORDS = int(os.environ.get("BENCH_RECORDS", 1_000_000))
RECORD_BYTES = 1000
PRODUCERS = 50
SECONDS = 4


def raw_write(path, count):
    """Seconds for `count` bytes written to a file of the same disk in pieces of 64 KiB, and until they are on it."""
    block, done = os.urandom(65536), 0
    start = time.perf_counter()
    with open(path, "wb", buffering=0) as f:
        while done < count:
            done += f.write(block)
        written = time.perf_counter() - start
        os.fdatasync(f.fileno())
    took = time.perf_counter() - start
    os.unlink(path)
    return written, took


def raw_read(paths):
    """Seconds to read the files from end to end, from the disk."""
    start = time.perf_counter()
    for path in paths:
        with open(path, "rb", buffering=0) as f:
            while f.read(1 << 20):
                pass
    return time.perf_counter() - start


def forget(paths):
    """Drops the files from the page cache."""
    for path in paths:
        with open(path, "rb") as f:
            os.fsync(f.fileno())
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def appends(client):
    """What a producer gets through the broker beside raw writes of as many bytes, in turns; the best of each."""
    count = RECORDS * RECORD_BYTES
    ours, raw, synced = [], [], []
    broker = Broker(log_segment_delete_delay_ms=0, log_retention_check_interval_ms=1000)
    try:
        for turn in range(ROUNDS):
            topic = create_topic(broker)
            arguments = [client, "produce", broker.address, topic, RECORDS, RECORD_BYTES]
            done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            ours.append(float(done.stdout))
            written, took = raw_write(broker.data / "raw", count)
            raw.append(written)
            synced.append(took)
            os.sync()
    finally:
        broker.close()
    rate = lambda seconds: f"{count / min(seconds) / 1e6:,.0f} MB/s"
    row("append, records of 1 KB through one connection", rate(ours), f"raw writes of the same bytes {rate(raw)}, "
        f"with fsync {rate(synced)}", f"{min(raw) / min(ours):.2f} x")


def group_commit():
    """Batches a second of producers that wait for each answer, with flush.messages=1 and without; fsyncs counted."""
    from disks import Disks
    for flushes in (True, False):
        disks = Disks(1)
        broker = disks.broker()
        try:
            topic = create_topic(broker, **({"flush_messages": 1} if flushes else {}))
            frame = wire.produce(topic, wire.batch(wire.record(os.urandom(1000))), acks=-1)
            for producers in (1, PRODUCERS):
                before = disks.syncs()
                times = ask_again_and_again(broker, frame, producers)
                syncs = disks.syncs() - before
                times.sort()
                name = "flush.messages=1" if flushes else "without flush"
                price = f"{syncs / len(times):.3f} fsyncs a batch" if flushes else ""
                row(f"acks=all, 1 KB batches, {producers} waiting producers, {name}",
                    f"{len(times) / SECONDS:,.0f}/s, median {times[len(times) // 2] * 1000:.2f} ms, "
                    f"p99 {times[len(times) * 99 // 100] * 1000:.2f} ms", price)
        finally:
            broker.close()
            disks.close()


def ask_again_and_again(broker, frame, producers):
    """The seconds that each answer took."""
    poller, sockets, sent, times = select.epoll(), {}, {}, []
    for _ in range(producers):
        s = socket.create_connection(("127.0.0.1", broker.port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[s.fileno()] = s
        poller.register(s.fileno(), select.EPOLLIN)
    end = time.perf_counter() + SECONDS
    for number, s in sockets.items():
        sent[number] = time.perf_counter()
        s.sendall(frame)
    while time.perf_counter() < end:
        for number, _ in poller.poll(1):
            answer = sockets[number].recv(4096)
            assert wire.produce_error(answer[4:]) == 0
            now = time.perf_counter()
            times.append(now - sent[number])
            sent[number] = now
            sockets[number].sendall(frame)
    for s in sockets.values():
        s.close()
    return times


def recovery(client):
    """Seconds for a gigabyte that was not flushed when the broker was killed, beside reading it, in turns."""
    figures, reads = {1: [], 2: []}, []
    broker = Broker()
    try:
        for _ in range(4):
            arguments = [client, "produce", broker.address, create_topic(broker), RECORDS // 4, RECORD_BYTES]
            subprocess.run([str(a) for a in arguments], check=True, capture_output=True)
        broker.kill()
        logs = sorted((broker.data / "data").glob("*/*.log"))
        count = sum(path.stat().st_size for path in logs)
        # Once for nothing: what was just written is slow to read.
        for turn in range(ROUNDS + 1):
            forget(logs)
            reads.append(raw_read(logs) / count * 1e9)
            for threads, seconds in figures.items():
                broker.overrides["num.recovery.threads.per.data.dir"] = threads
                forget(logs)
                broker.start()
                broker.kill()
                found = re.findall(r"all logs recovered .* bytes=(\d+) .*seconds=([\d.]+)", broker.log())
                seconds.append(float(found[-1][1]) / int(found[-1][0]) * 1e9)
    finally:
        broker.close()
    for threads, seconds in figures.items():
        row(f"recovery of 1 GB not in the page cache, {threads} thread{'s' * (threads > 1)}",
            f"{min(seconds):.2f} s (worst {max(seconds[1:]):.2f})", f"reading it {min(reads):.2f} s",
            f"{min(reads) / min(seconds):.2f} x")


def measure():
    with tempfile.TemporaryDirectory(prefix="kafka-bench-") as work:
        client = Path(work) / "client"
        subprocess.run(["cc", "-O2", "-o", client, ROOT / "bench" / "client.c", "-lrdkafka"], check=True)
        appends(client)
        group_commit()
        recovery(client)
