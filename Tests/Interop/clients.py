"""The clients that people have, each behind the same two verbs: produce and consume."""

import asyncio
import base64
import json
import subprocess
import time

import confluent_kafka
import kafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as AiokafkaPartition

from broker import BIN
from records import BYTES, LINES, Received, Record

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
ACKS = ["0", "1", "all"]
TIMEOUT = 60


def run(command, stdin=b""):
    """Runs a tool to its end; what it wrote is bytes."""
    done = subprocess.run([str(part) for part in command], input=stdin, capture_output=True, timeout=120)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stderr.decode(errors='replace')[-3000:]}"
    return done.stdout


class Confluent:
    """librdkafka of today, with Python around it."""

    name, produces = "confluent-kafka", BYTES

    @staticmethod
    def produce(broker, topic, records, acks="all", codec="none", **settings):
        errors = []
        producer = confluent_kafka.Producer(
            {"bootstrap.servers": broker.address, "acks": acks, "compression.type": codec, "linger.ms": 20,
             "message.max.bytes": 50_000_000, **settings})
        for r in records:
            extra = {} if r.timestamp is None else {"timestamp": r.timestamp}
            producer.produce(topic, r.value, r.key, headers=list(r.headers), partition=0,
                             on_delivery=lambda error, _: error and errors.append(error), **extra)
        assert producer.flush(TIMEOUT) == 0, "not everything was delivered"
        if errors:
            raise confluent_kafka.KafkaException(errors[0])

    @staticmethod
    def consume(broker, topic, count, **settings):
        consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": broker.address, "group.id": "none", "enable.auto.commit": False,
             "check.crcs": True, "fetch.message.max.bytes": 50_000_000, **settings})
        consumer.assign([confluent_kafka.TopicPartition(topic, 0, confluent_kafka.OFFSET_BEGINNING)])
        got, deadline = [], time.monotonic() + TIMEOUT
        while len(got) < count and time.monotonic() < deadline:
            for m in consumer.consume(count - len(got), 0.2):
                assert not m.error(), m.error()
                record = Record(m.value(), m.key(), tuple(m.headers() or ()))
                got.append(Received(m.partition(), m.offset(), m.timestamp()[1], record))
        consumer.close()
        return got


class KafkaPython:
    """Pure Python; also speaks the versions of old brokers."""

    # Has no null headers.
    name, produces = "kafka-python", BYTES[:-1]

    @staticmethod
    def produce(broker, topic, records, acks="all", codec="none", **settings):
        producer = kafka.KafkaProducer(
            bootstrap_servers=broker.address, acks=int(acks) if acks != "all" else "all", linger_ms=20,
            compression_type=None if codec == "none" else codec, max_request_size=50_000_000,
            enable_idempotence=settings.pop("enable_idempotence", False), **settings)
        try:
            sent = [producer.send(topic, r.value, r.key, headers=list(r.headers), partition=0, timestamp_ms=r.timestamp)
                    for r in records]
            producer.flush(TIMEOUT)
            for one in sent:
                one.get(TIMEOUT)
        finally:
            producer.close(5)

    @staticmethod
    def consume(broker, topic, count, **settings):
        consumer = kafka.KafkaConsumer(
            bootstrap_servers=broker.address, group_id=None, enable_auto_commit=False, check_crcs=True,
            max_partition_fetch_bytes=50_000_000, **settings)
        partition = kafka.TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        got, deadline = [], time.monotonic() + TIMEOUT
        while len(got) < count and time.monotonic() < deadline:
            for m in consumer.poll(200).get(partition, []):
                record = Record(m.value, m.key, tuple((k, v) for k, v in m.headers or ()))
                got.append(Received(m.partition, m.offset, m.timestamp, record))
        consumer.close()
        return got


class Aiokafka:
    """asyncio; its own protocol code."""

    name, produces = "aiokafka", BYTES

    @staticmethod
    def produce(broker, topic, records, acks="all", codec="none", **settings):
        async def go():
            producer = AIOKafkaProducer(
                bootstrap_servers=broker.address, acks=int(acks) if acks != "all" else "all", linger_ms=20,
                compression_type=None if codec == "none" else codec, max_request_size=50_000_000, **settings)
            await producer.start()
            try:
                sent = [await producer.send(topic, r.value, r.key, headers=list(r.headers), partition=0,
                                            timestamp_ms=r.timestamp) for r in records]
                for one in sent:
                    await asyncio.wait_for(one, TIMEOUT)
            finally:
                await producer.stop()
        asyncio.run(go())

    @staticmethod
    def consume(broker, topic, count, **settings):
        async def go():
            consumer = AIOKafkaConsumer(bootstrap_servers=broker.address, enable_auto_commit=False,
                                        max_partition_fetch_bytes=50_000_000, **settings)
            await consumer.start()
            partition = AiokafkaPartition(topic, 0)
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            got, deadline = [], time.monotonic() + TIMEOUT
            while len(got) < count and time.monotonic() < deadline:
                for m in (await consumer.getmany(partition, timeout_ms=200)).get(partition, []):
                    got.append(Received(m.partition, m.offset, m.timestamp, Record(m.value, m.key, tuple(m.headers))))
            await consumer.stop()
            return got
        return asyncio.run(go())


class Kcat:
    """Debian's kcat: an older librdkafka, driven by lines."""

    name, produces = "kcat", LINES

    @staticmethod
    def produce(broker, topic, records, acks="all", codec="none", **settings):
        text = b"".join((b"" if r.key is None else r.key + b"\x01") + r.value + b"\x02" for r in records)
        options = [part for name, value in settings.items() for part in ("-X", f"{name}={value}")]
        run(["kcat", "-P", "-b", broker.address, "-t", topic, "-p", "0", "-K", "\x01", "-D", "\x02", "-z", codec,
             "-X", f"acks={acks}", *options], text)

    @staticmethod
    def consume(broker, topic, count, **settings):
        options = [part for name, value in settings.items() for part in ("-X", f"{name}={value}")]
        text = run(["kcat", "-C", "-q", "-b", broker.address, "-t", topic, "-p", "0", "-o", "beginning", "-c", count,
                    "-X", "check.crcs=true", "-f", "%p %o %T %K %S %h\n%k%s\n", *options])
        got, at = [], 0
        while at < len(text):
            end = text.index(b"\n", at)
            partition, offset, timestamp, key, value, headers = text[at:end].split(b" ", 5)
            at, sizes = end + 1, (int(key), int(value))
            key, value = (None if size < 0 else text[at + skip:at + skip + size]
                          for size, skip in zip(sizes, (0, max(0, sizes[0]))))
            at += max(0, sizes[0]) + max(0, sizes[1]) + 1
            pairs = tuple(tuple(h.split(b"=", 1)) for h in headers.split(b",")) if headers else ()
            pairs = tuple((k.decode(), None if v == b"NULL" else v) for k, v in pairs)
            got.append(Received(int(partition), int(offset), int(timestamp), Record(value, key, pairs)))
        return got


def from_envelope(envelope, name):
    """A key or value of an envelope: text, or base 64 where `NAMEEncoding` beside it says so."""
    part = envelope.get(name)
    if envelope.get(name + "Encoding") == "base64":
        return base64.b64decode(part)
    return None if part is None else part.encode()


def to_envelope(name, part):
    if part is None:
        return {name: None}
    try:
        return {name: part.decode()}
    except UnicodeDecodeError:
        return {name: base64.b64encode(part).decode(), name + "Encoding": "base64"}


class Ours:
    """kproduce and kconsume, by their JSON envelopes."""

    name, produces = "kproduce and kconsume", BYTES

    @staticmethod
    def produce(broker, topic, records, acks="all", codec="none", **settings):
        lines = []
        for r in records:
            envelope = {**to_envelope("key", r.key), **to_envelope("value", r.value),
                        "headers": [{"key": k, **to_envelope("value", v)} for k, v in r.headers]}
            if r.timestamp is not None:
                envelope["timestamp"] = r.timestamp
            lines.append(json.dumps(envelope).encode() + b"\n")
        options = [part for name, value in settings.items() for part in ("-X", f"{name}={value}")]
        run([BIN / "kproduce", "-b", broker.address, "-t", topic, "-p", "0", "--json", "-q", "-z", codec,
             "--acks", acks, *options], b"".join(lines))

    @staticmethod
    def consume(broker, topic, count, **settings):
        text = run([BIN / "kconsume", "-b", broker.address, "-t", topic, "-p", "0", "-o", "beginning", "-c", count,
                    "-q", "--json"])
        got = []
        for line in text.splitlines():
            e = json.loads(line)
            headers = tuple((h["key"], from_envelope(h, "value")) for h in e.get("headers", []))
            record = Record(from_envelope(e, "value"), from_envelope(e, "key"), headers)
            got.append(Received(e["partition"], e["offset"], e["timestamp"], record))
        return got


CLIENTS = [Confluent, KafkaPython, Aiokafka, Kcat, Ours]
LIBRARIES = [Confluent, KafkaPython, Aiokafka]
