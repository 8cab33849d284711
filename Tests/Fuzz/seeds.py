"""seeds FOLDER: writes inputs to begin with, in the form that Fuzz.swift reads: the messages that
Tests/Fixtures/messages.txt has, and record batches with every codec that Python brings along."""

import gzip
import sys
import tarfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "Interop"))
import wire  # noqa: E402

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)


def seed(name, data):
    (folder / name).write_bytes(data)


keys = {}
for number, line in enumerate((ROOT / "Tests" / "Fixtures" / "messages.txt").read_text().splitlines()):
    words = line.split(" ")
    if words[0] == "api":
        keys[words[2]] = int(words[1])
    elif words[0] == "record":
        seed(f"record-{number}", b"m" + bytes.fromhex(words[4]))
    elif words[0] == "versioned":
        data = bytes.fromhex(words[4])
        kind = b"t" if words[1].startswith("Transaction") else b"g"
        if words[1].endswith("Key"):
            keys[kind + words[1][:-3].encode()] = data
            seed(f"key-{number}", kind + bytes([len(data) & 0xFF]) + data)
        elif words[1].endswith("Value"):
            key = keys[kind + words[1][:-5].encode()]
            seed(f"value-{number}", kind + bytes([len(key) & 0xFF]) + key + data)
    elif words[0] in ("request", "response") and len(words) == 5:
        name = words[1].removesuffix("Request").removesuffix("Response")
        if name in keys:
            kind = b"q" if words[0] == "request" else b"s"
            seed(f"{words[0]}-{number}", kind + bytes([keys[name], int(words[2])]) + bytes.fromhex(words[4]))

records = [wire.record(b"value %d" % i, b"key" if i % 2 else None, i) for i in range(5)]
section = b"".join(records)
seed("records", b"r\5" + section)
seed("batch", b"b" + wire.batch(section, 5))
seed("batches", b"b" + wire.batch(section, 5) + wire.batch(records[0]))
seed("batch-gzip", b"b" + wire.batch(gzip.compress(section), 5, attributes=1))
seed("gzip", b"c\1" + gzip.compress(section * 20))
# One literal and one copy (snappy); the same in xerial's framing; a frame with one stored block (lz4, zstd).
snappy = b"\x0a\x08abc\x15\x03"
seed("snappy", b"c\2" + snappy)
seed("snappy-xerial", b"c\2\x82SNAPPY\0\0\0\0\1\0\0\0\1" + len(snappy).to_bytes(4, "big") + snappy)
seed("lz4", b"c\3" + bytes.fromhex("04224d18604082" + "03000080") + b"abc" + bytes(4))
seed("zstd", b"c\4" + bytes.fromhex("28b52ffd2003190000") + b"abc")


def message(value, magic, attributes=0, offset=0, key=b"key"):
    body = bytes([magic, attributes]) + (bytes(8) if magic else b"") + len(key).to_bytes(4, "big") + key
    body += len(value).to_bytes(4, "big") + value
    return offset.to_bytes(8, "big") + (4 + len(body)).to_bytes(4, "big") + zlib.crc32(body).to_bytes(4, "big") + body


for magic in (0, 1):
    messages = message(b"one", magic) + message(b"two", magic, 0, 1)
    seed(f"set-{magic}", b"l" + messages)
    seed(f"set-gzip-{magic}", b"l" + message(gzip.compress(messages), magic, 1, 1))
    seed(f"set-snappy-{magic}", b"l" + message(snappy, magic, 2, 1))
with tarfile.open(ROOT / "Tests" / "Fixtures" / "kafka-3.9-clean.tar.gz") as archive:
    kinds = {".snapshot": b"s", ".index": b"i", ".timeindex": b"t", ".txnindex": b"a", "-offset-checkpoint": b"c",
             "leader-epoch-checkpoint": b"e", "partition.metadata": b"p"}
    for member in archive.getmembers():
        for suffix, kind in kinds.items():
            if member.isfile() and member.name.endswith(suffix) and member.size < 4096:
                seed("file-" + member.name.replace("/", "-"), b"f" + kind + archive.extractfile(member).read())
seed("header", b"h" + wire.request(wire.API_VERSIONS, 3, b"\2x\0021\0", flexible=True)[4:])
seed("header-produce", b"h" + wire.produce("t", wire.batch(section, 5))[4:])
