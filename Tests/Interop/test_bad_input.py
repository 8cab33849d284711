"""What must not hurt: every one of these ends with the protocol's error or with that one connection closed, while a
well-behaved client on the same broker goes on, and the broker's memory stays bounded."""

import random
import resource
import socket
import struct
import threading
import time

import confluent_kafka
import pytest
import zstandard

import wire
from broker import wait_until
from clients import Confluent
from conftest import create_topic
from records import Record
from wire import Socket

CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, INVALID_RECORD, UNSUPPORTED_VERSION = 2, 10, 87, 35
API_VERSIONS_BODY = struct.pack(">b", 2) + b"x" + struct.pack(">b", 2) + b"1" + b"\0"


class Healthy(threading.Thread):
    """Produces a record and waits for its acknowledgement, over and over."""

    def __init__(self, broker, topic):
        super().__init__(daemon=True)
        self.producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "linger.ms": 0, "acks": "all",
                                                  "message.timeout.ms": 20_000})
        self.topic, self.ended, self.count, self.errors = topic, threading.Event(), 0, []

    def run(self):
        while not self.ended.is_set():
            self.producer.produce(self.topic, b"healthy", on_delivery=lambda e, _: e and self.errors.append(e))
            if self.producer.flush(20):
                self.errors.append("not delivered")
            self.count += 1
            time.sleep(0.005)


@pytest.fixture(scope="module")
def target():
    """A broker for this module, so that its memory tells of bad input only."""
    from broker import Broker
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(20_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    running = Broker()
    yield running
    running.close()


@pytest.fixture
def healthy(target):
    client = Healthy(target, create_topic(target))
    client.start()
    wait_until(lambda: client.count > 0, what="the first delivery")
    yield client
    assert target.is_running(), target.log()[-3000:]
    # Two more: the second began after the bad input had ended.
    count = client.count
    wait_until(lambda: client.count > count + 1 or client.errors, what="a delivery after the bad input")
    client.ended.set()
    client.join(30)
    assert not client.errors
    assert Confluent.consume(target, client.topic, client.count)[-1].offset == client.count - 1
    assert target.rss_mb()[0] < 300, "the broker's memory"


@pytest.fixture
def victim(target):
    return create_topic(target)


def test_random_bytes(target, healthy):
    generator = random.Random(1)
    for _ in range(300):
        with Socket(target) as s:
            s.send(generator.randbytes(generator.randrange(1, 3000))).end()
            assert s.is_closed()


def test_random_bytes_in_good_frames(target, healthy):
    generator = random.Random(2)
    for _ in range(300):
        with Socket(target) as s:
            data = generator.randbytes(generator.randrange(0, 3000))
            s.send(struct.pack(">i", len(data)) + data).end()
            assert s.is_closed()


def test_random_bodies_behind_good_headers(target, healthy):
    generator = random.Random(3)
    for _ in range(2000):
        key, version = generator.choice([0, 1, 2, 3, 10, 18, 19, 20, 21, 22, 23, 32, 33, 35, 37, 44, 60]), \
            generator.randrange(0, 18)
        with Socket(target) as s:
            body = generator.randbytes(generator.randrange(0, 200))
            s.send(wire.request(key, version, body, flexible=generator.random() < 0.5)).end()
            assert s.is_closed()


def test_truncated_frames(target, healthy, victim):
    whole = wire.produce(victim, wire.batch(wire.record(b"never")))
    for cut in range(len(whole)):
        with Socket(target) as s:
            s.send(whole[:cut]).end()
            assert s.is_closed()
    assert Confluent.consume(target, victim, 0) == []
    with Socket(target) as s:
        assert wire.produce_error(s.ask(whole)) == 0


@pytest.mark.parametrize("length", [2**31 - 1, 104_857_601, -1, -2, -(2**31)])
def test_impossible_lengths(target, healthy, length):
    with Socket(target) as s:
        s.send(struct.pack(">i", length) + b"some bytes")
        assert s.is_closed()


def test_frames_announced_but_never_sent(target, healthy):
    waiting = [Socket(target) for _ in range(100)]
    for s in waiting:
        s.send(struct.pack(">i", 100_000_000) + b"x" * 1000)
    count = healthy.count
    wait_until(lambda: healthy.count > count + 20, what="twenty deliveries")
    for s in waiting:
        s.socket.close()


@pytest.mark.parametrize("key, version", [(9999, 0), (-1, 0), (32767, 32767), (4, 0), (7, 0), (0, 99), (3, -1), (1, 12000)])
def test_unknown_apis_and_versions(target, healthy, key, version):
    with Socket(target) as s:
        s.send(wire.request(key, version, b"\0" * 20))
        assert s.is_closed()


def test_a_version_of_api_versions_that_is_too_new_is_answered_in_version_0(target, healthy):
    with Socket(target) as s:
        answer = s.ask(wire.request(wire.API_VERSIONS, 99, b"", correlation=42))
        correlation, code, count = struct.unpack_from(">ihi", answer)
        assert (correlation, code) == (42, UNSUPPORTED_VERSION) and count >= 1
        assert s.ask(wire.request(wire.API_VERSIONS, 0))[:6] == struct.pack(">ih", 7, 0)


@pytest.mark.parametrize("length", [2**31 - 1, 2**30, 100_000, -2, -(2**31)])
def test_arrays_longer_than_the_frame(target, healthy, length):
    for key, version in ((wire.METADATA, 1), (wire.METADATA, 4), (wire.LIST_OFFSETS, 1), (wire.CREATE_TOPICS, 0)):
        with Socket(target) as s:
            prefix = struct.pack(">i", -1) if key == wire.LIST_OFFSETS else b""
            s.send(wire.request(key, version, prefix + struct.pack(">i", length) + b"\0\0"))
            assert s.is_closed()


@pytest.mark.parametrize("varint", [b"\xff" * 10, b"\xff" * 4 + b"\x7f", b"\x80" * 30, b"\xff\xff\xff\xff\x0f", b"\x80"])
def test_bad_varints(target, healthy, varint):
    for version in (3, 4):
        with Socket(target) as s:
            s.send(wire.request(wire.API_VERSIONS, version, varint, flexible=True)).end()
            assert s.is_closed()
    with Socket(target) as s:
        s.send(wire.request(wire.METADATA, 9, varint, flexible=True)).end()
        assert s.is_closed()
    with Socket(target) as s:
        head = struct.pack(">hhi", wire.METADATA, 9, 1) + wire.string("x") + varint
        s.send(struct.pack(">i", len(head)) + head).end()
        assert s.is_closed()


BAD_BATCHES = {
    "wrong CRC": (wire.batch(wire.record(b"v"), crc=1), {CORRUPT_MESSAGE}),
    "length too small": (wire.batch(wire.record(b"v"), length=10), {CORRUPT_MESSAGE, INVALID_RECORD}),
    "length too large": (wire.batch(wire.record(b"v"), length=10_000), {CORRUPT_MESSAGE, INVALID_RECORD}),
    "length negative": (wire.batch(wire.record(b"v"), length=-5), {CORRUPT_MESSAGE, INVALID_RECORD}),
    "format of tomorrow": (wire.batch(wire.record(b"v"), magic=3), {CORRUPT_MESSAGE, INVALID_RECORD, UNSUPPORTED_VERSION}),
    "a count of nothing": (wire.batch(b"", count=0), {CORRUPT_MESSAGE, INVALID_RECORD}),
    "a count that is too large": (wire.batch(wire.record(b"v"), count=5), {CORRUPT_MESSAGE, INVALID_RECORD}),
    "a count of 2^31-1": (wire.batch(wire.record(b"v"), count=2**31 - 1), {CORRUPT_MESSAGE, INVALID_RECORD}),
    "a negative count": (wire.batch(wire.record(b"v"), count=-1, last_delta=0), {CORRUPT_MESSAGE, INVALID_RECORD}),
    "deltas that do not fit": (wire.batch(wire.record(b"v"), last_delta=9), {CORRUPT_MESSAGE, INVALID_RECORD}),
    "a control batch": (wire.batch(wire.record(b"v"), attributes=0x20), {CORRUPT_MESSAGE, INVALID_RECORD}),
    "codec 7": (wire.batch(wire.record(b"v"), attributes=7), {CORRUPT_MESSAGE, INVALID_RECORD, 76}),
    "record length past the end": (wire.batch(wire.varint(500) + b"x" * 20), {CORRUPT_MESSAGE, INVALID_RECORD}),
    "record length negative": (wire.batch(wire.varint(-9) + b"x" * 20), {CORRUPT_MESSAGE, INVALID_RECORD}),
    "record varint without an end": (wire.batch(b"\xff" * 20), {CORRUPT_MESSAGE, INVALID_RECORD}),
    "key length of 2^31-1": (wire.batch(wire.varint(30) + b"\0\0\0" + wire.varint(2**31 - 1) + b"k" * 24),
                             {CORRUPT_MESSAGE, INVALID_RECORD}),
    "twice as many bytes as one batch": (wire.batch(wire.record(b"v")) + b"rubbish", {CORRUPT_MESSAGE, INVALID_RECORD}),
    "eight bytes": (b"\0" * 8, {CORRUPT_MESSAGE, INVALID_RECORD}),
}


@pytest.mark.parametrize("case", BAD_BATCHES)
def test_bad_batches_are_refused_by_their_error(target, healthy, victim, case):
    records, expected = BAD_BATCHES[case]
    good = wire.batch(wire.record(b"good"))
    with Socket(target) as s:
        assert wire.produce_error(s.ask(wire.produce(victim, records))) in expected
        assert wire.produce_error(s.ask(wire.produce(victim, good))) == 0
    assert [one.record for one in Confluent.consume(target, victim, 1)] == [Record(b"good")]


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_a_compressed_batch_of_rubbish_hurts_its_readers_only(target, healthy, victim, codec):
    """A broker stores what is compressed as it came, as long as its checksum is right: no record is looked at."""
    with Socket(target) as s:
        error = wire.produce_error(s.ask(wire.produce(victim, wire.batch(b"nothing compressed", attributes=codec))))
        assert error in (0, CORRUPT_MESSAGE, INVALID_RECORD)
        assert s.ask(wire.fetch(victim, version=4)) is not None
        assert s.ask(wire.fetch(victim, version=1)) is not None
        assert wire.produce_error(s.ask(wire.produce(victim, wire.batch(wire.record(b"good"))))) == 0


def test_batches_with_any_byte_changed(target, healthy, victim):
    generator, whole = random.Random(4), wire.batch(wire.record(b"v" * 50, b"key"))
    stored = 0
    with Socket(target) as s:
        for _ in range(3000):
            broken = bytearray(whole)
            for _ in range(generator.randrange(1, 4)):
                broken[generator.randrange(len(broken))] = generator.randrange(256)
            answer = s.ask(wire.produce(victim, bytes(broken)))
            assert answer is not None, bytes(broken).hex()
            stored += wire.produce_error(answer) == 0
    got = Confluent.consume(target, victim, stored)
    assert len(got) == stored and all(one.record == Record(b"v" * 50, b"key") for one in got)


@pytest.fixture
def bombs():
    """By codec: a gigabyte of zeros, as no records at all and as one record."""
    size = 1 << 30
    valid = wire.varint(size + 11) + b"\0\0\0" + wire.varint(-1) + wire.varint(size)
    compress = zstandard.ZstdCompressor(3).compress
    return {1: [wire.gzip_bomb(size)], 4: [compress(bytes(size)), compress(valid + bytes(size) + b"\0")]}


def test_bombs_do_not_explode(target, bombs, healthy, victim):
    assert target.rss_mb()[1] < 300
    for codec, payloads in bombs.items():
        for payload in payloads:
            with Socket(target, timeout=60) as s:
                s.ask(wire.produce(victim, wire.batch(payload, attributes=codec)))
                s.ask(wire.fetch(victim, version=1))
    assert target.is_running()
    assert target.rss_mb()[1] < 400


def test_half_open_and_slow_connections(target, healthy):
    silent = [Socket(target) for _ in range(50)]
    data = wire.request(wire.API_VERSIONS, 3, API_VERSIONS_BODY, flexible=True)
    drips = [Socket(target) for _ in range(20)]
    for byte in data:
        for s in drips:
            s.send(bytes([byte]))
        time.sleep(0.01)
    for s in drips:
        assert s.answer()[:4] == struct.pack(">i", 7)
    for s in silent + drips:
        # A reset instead of a farewell.
        s.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.socket.close()


def test_a_client_that_never_reads_holds_up_itself_only(target, healthy, victim):
    Confluent.produce(target, victim, [Record(b"x" * 900_000) for _ in range(20)])
    greedy = [Socket(target, timeout=2) for _ in range(5)]
    for s in greedy:
        try:
            for _ in range(3000):
                s.socket.sendall(wire.fetch(victim, max_bytes=20_000_000) + wire.request(wire.API_VERSIONS, 0))
        except socket.timeout:
            pass
    count = healthy.count
    wait_until(lambda: healthy.count > count + 20, what="twenty deliveries")
    for s in greedy:
        s.socket.close()


def test_five_thousand_idle_connections(target, healthy):
    before = target.rss_mb()[0]
    idle = [Socket(target) for _ in range(5000)]
    for s in idle[::50]:
        assert s.ask(wire.request(wire.API_VERSIONS, 0))
    count = healthy.count
    wait_until(lambda: healthy.count > count + 50, what="fifty deliveries")
    after = target.rss_mb()[0]
    print(f"5000 idle connections: {before:.1f} -> {after:.1f} MiB")
    assert after - before < 100
    for s in idle:
        s.socket.close()
    with Socket(target) as s:
        assert s.ask(wire.request(wire.API_VERSIONS, 0))


def test_a_produce_without_acknowledgement_that_fails_closes_the_connection(target, healthy, victim):
    with Socket(target) as s:
        s.send(wire.produce(victim, wire.batch(wire.record(b"v"), crc=1), acks=0))
        assert s.is_closed()


def test_answers_come_in_the_order_of_the_requests(target, healthy, victim):
    with Socket(target) as s:
        for correlation in range(200):
            if correlation % 10 == 5:
                body = struct.pack(">iiiiBi", -1, 300, 1_000_000, 1 << 20, 0, 1) + wire.string(victim)
                body += struct.pack(">iiqi", 1, 0, 0, 1 << 20)
                s.send(wire.request(wire.FETCH, 4, body, correlation))
            else:
                s.send(wire.request(wire.API_VERSIONS, 0, b"", correlation))
        for correlation in range(200):
            assert struct.unpack_from(">i", s.answer())[0] == correlation
