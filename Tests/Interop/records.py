"""Records as the tests compare them, and the sizes that batches have on the wire."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Record:
    value: bytes | None = b""
    key: bytes | None = None
    headers: tuple = ()
    timestamp: int | None = None


@dataclass(frozen=True)
class Received:
    partition: int
    offset: int
    timestamp: int
    record: Record = field(compare=True)


# What lines of text can say, so that kcat can produce it.
LINES = [
    Record(b"hello", b"key"),
    Record(b"no key"),
    Record(b"", b"an empty value"),
    Record("žluťoučký kůň".encode(), "ключ".encode()),
    Record(b"compressible " * 5000, b"long"),
]
# What needs a client that speaks in bytes.
BYTES = LINES + [
    Record(None, b"tombstone"),
    Record(b"empty key", b""),
    Record(bytes(range(256)), b"\x00\xff\xfe"),
    Record(b"headers", b"h", (("a", b"1"), ("a", b"2"), ("empty", b""), ("bytes", b"\xff\xfe"))),
    Record(b"a null header", None, (("nothing", None),)),
]


def varint_size(value):
    """Bytes of a zigzag varint."""
    encoded = (value << 1) ^ (value >> 63)
    return max(1, (encoded.bit_length() + 6) // 7)


def batch_size(value_size):
    """Bytes of a batch of format 2 with one record that has a value and nothing else, uncompressed."""
    body = 3 + 1 + varint_size(value_size) + value_size + 1
    return 61 + varint_size(body) + body


def value_size_of_batch(size):
    """The size of the value that makes a batch of one record exactly `size` bytes."""
    value = size - batch_size(0)
    while batch_size(value) > size:
        value -= 1
    assert batch_size(value) == size, "no value has this size"
    return value
