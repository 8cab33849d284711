"""A socket, and requests made by hand: for what no well-behaved client sends."""

import gzip
import socket
import struct

import crc32c

PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS, CREATE_TOPICS = 0, 1, 2, 3, 18, 19


def string(text):
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text.encode()


def varint(value):
    encoded, out = (value << 1) ^ (value >> 63), bytearray()
    while encoded > 0x7F:
        out.append(encoded & 0x7F | 0x80)
        encoded >>= 7
    return bytes(out) + bytes([encoded])


def compact(count):
    """The length of a string, of bytes or of an array in a flexible version."""
    count, out = count + 1, bytearray()
    while count > 0x7F:
        out.append(count & 0x7F | 0x80)
        count >>= 7
    return bytes(out) + bytes([count])


def compact_string(text):
    return compact(len(text.encode())) + text.encode()


def request(api, version, body=b"", correlation=7, flexible=False):
    """A frame: length, header 1 (2 when flexible), body."""
    head = struct.pack(">hhi", api, version, correlation) + string("by-hand") + (b"\0" if flexible else b"")
    return struct.pack(">i", len(head) + len(body)) + head + body


def record(value, key=None, offset=0):
    body = b"\0" + varint(0) + varint(offset)
    body += varint(-1) if key is None else varint(len(key)) + key
    body += varint(len(value)) + value + varint(0)
    return varint(len(body)) + body


def batch(records, count=1, attributes=0, magic=2, crc=None, length=None, last_delta=None, producer_id=-1, sequence=-1,
          epoch=None):
    """A batch of format 2 around what may be anything but records."""
    last_delta = count - 1 if last_delta is None else last_delta
    epoch = (0 if producer_id >= 0 else -1) if epoch is None else epoch
    tail = struct.pack(">hiqqqhii", attributes, last_delta, 0, 0, producer_id, epoch, sequence, count) + records
    checksum = crc32c.value(tail) if crc is None else crc
    length = 9 + len(tail) if length is None else length
    return struct.pack(">qiibI", 0, length, -1, magic, checksum) + tail


def produce(topic, records, acks=1, version=7, partition=0):
    body = (string(None) if version >= 3 else b"") + struct.pack(">hii", acks, 10_000, 1) + string(topic)
    body += struct.pack(">iii", 1, partition, len(records)) + records
    return request(PRODUCE, version, body)


def fetch(topic, version=4, offset=0, max_bytes=1 << 20, partition=0):
    body = struct.pack(">iii", -1, 100, 1)
    body += struct.pack(">i", max_bytes) if version >= 3 else b""
    body += b"\0" if version >= 4 else b""
    body += struct.pack(">i", 1) + string(topic) + struct.pack(">iiqi", 1, partition, offset, max_bytes)
    return request(FETCH, version, body)


def produce_error(answer):
    """The partition's error code in an answer to `produce`, whose topic has one partition."""
    (name,) = struct.unpack_from(">h", answer, 8)
    return struct.unpack_from(">h", answer, 10 + name + 8)[0]


class Socket:
    """A connection to a broker. `answer` is None when the broker closed it."""

    def __init__(self, broker, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", broker.port), timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Sends all of it, unless the broker hangs up first."""
        try:
            self.socket.sendall(data)
        except (ConnectionError, BrokenPipeError):
            pass
        return self

    def end(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return self

    def read(self, count):
        data = b""
        while len(data) < count:
            try:
                more = self.socket.recv(count - len(data))
            except ConnectionError:
                return None
            if not more:
                return None
            data += more
        return data

    def answer(self):
        """The next answer without its length, correlation id first."""
        head = self.read(4)
        return None if head is None else self.read(struct.unpack(">i", head)[0])

    def ask(self, data):
        return self.send(data).answer()

    def is_closed(self):
        """Whether the broker closed the connection; waits for that up to the timeout."""
        try:
            while data := self.socket.recv(65536):
                pass
        except ConnectionError:
            pass
        except socket.timeout:
            return False
        return True


def gzip_bomb(size):
    """`size` zero bytes as gzip."""
    return gzip.compress(bytes(size), 6)
