#!/usr/bin/env python3
"""Writes Tests/Fixtures/records: record batches of other implementations and what is in them.

    pip install kafka-python lz4 zstandard python-snappy xxhash
    make-records.py                      message sets and batches as kafka-python's producer makes them
    make-records.py DIR EXPECTED.json    also the first batches of logs that Apache Kafka wrote in DIR, and what its own
                                         consumer read from them (topics -> isolation -> partition -> records)

NAME.log are the bytes, NAME.txt a line for each record: offset, timestamp, key, value, and headers as key:value, in
base64; "-" is null and "=" empty.
"""

import base64
import json
import pathlib
import struct
import sys
import zlib

from kafka.record.memory_records import MemoryRecordsBuilder

TARGET = pathlib.Path(__file__).parent / "records"
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
START = 1_700_000_000_000


def field(value):
    if value is None:
        return "-"
    return base64.b64encode(value).decode() or "="


def write(name, log, records):
    lines = []
    for offset, timestamp, key, value, headers in records:
        texts = [field(k.encode()) + ":" + field(v) for k, v in headers]
        lines.append(" ".join([str(offset), str(timestamp), field(key), field(value)] + texts))
    (TARGET / (name + ".log")).write_bytes(log)
    (TARGET / (name + ".txt")).write_text("\n".join(lines) + "\n")


def samples(magic):
    for i in range(12):
        key = [None, b"", b"key-%d" % i][i % 3]
        value = None if i == 4 else b"" if i == 5 else b"some words, some more words %d " % i * (1 + 2 * (i % 4))
        headers = [("trace", b"\x00\xff"), ("empty", b""), ("null", None), ("\u043a", b"x")] if magic == 2 and i % 5 == 0 else []
        yield START + 1000 * (i % 7), key, value, headers


def restamp(log, append_time):
    """Makes a message of format 1 one whose time the broker set."""
    log[17] |= 8
    log[18:26] = struct.pack(">q", append_time)
    log[12:16] = struct.pack(">I", zlib.crc32(log[16:]))


def from_producer(magic, codec, append_time=None):
    base = 100
    relative = codec != 0 and magic == 1
    # Batches of format 2 count from 0 always.
    builder = MemoryRecordsBuilder(magic, codec, 1 << 20, offset=0 if magic == 2 or relative else base)
    records = []
    for i, (timestamp, key, value, headers) in enumerate(samples(magic)):
        assert builder.append(timestamp, key, value, headers)
        timestamp = -1 if magic == 0 else append_time or timestamp
        records.append((base + i, timestamp, key, value, headers))
    builder.close()
    log = bytearray(builder.buffer())
    # As the leader does: the offset of the first record in a batch, of the last in a wrapper.
    if magic == 2:
        log[0:8] = struct.pack(">q", base)
    elif codec:
        log[0:8] = struct.pack(">q", records[-1][0])
    if append_time:
        restamp(log, append_time)
    suffix = "-append-time" if append_time else ""
    write(f"python-v{magic}-{CODECS[codec]}{suffix}", bytes(log), records)


def from_kafka(directory, expected):
    for topic, partition, limit in [
        ("plain", 1, 3500), ("append-time", 0, 9999), ("transactions", 0, 9999), ("compacted", 0, 9999),
        ("codec-gzip", 0, 1000), ("codec-snappy", 0, 1000), ("codec-lz4", 0, 1000), ("codec-zstd", 0, 1000),
    ]:
        log = b"".join(path.read_bytes() for path in sorted((directory / f"{topic}-{partition}").glob("*.log")))
        end, last = 0, -1
        while end < len(log):
            base, size = struct.unpack_from(">qi", log, end)
            if end and end + 12 + size > limit:
                break
            last = base + struct.unpack_from(">i", log, end + 23)[0]
            end += 12 + size
        records = []
        for record in expected["topics"][topic]["read_uncommitted"][str(partition)]["records"]:
            if record["offset"] > last:
                break
            decode = lambda text: None if text is None else base64.b64decode(text)
            headers = [(key, decode(value)) for key, value in record["headers"]]
            records.append((record["offset"], record["timestamp"], decode(record["key"]), decode(record["value"]), headers))
        write(f"kafka-{topic}", log[:end], records)


def main():
    TARGET.mkdir(exist_ok=True)
    for magic, codecs in [(0, 4), (1, 4), (2, 5)]:
        for codec in range(codecs):
            from_producer(magic, codec)
    from_producer(1, 1, append_time=START + 5)
    if len(sys.argv) == 3:
        from_kafka(pathlib.Path(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text()))


main()
