"""A stream processor of other people's, quixstreams with exactly-once processing, over kills of its own and of the broker."""

import collections
import random
import shutil
import subprocess
import time
from pathlib import Path

import confluent_kafka
from confluent_kafka import TopicPartition

from broker import ROOT
from conftest import create_topic

LINES, VOCABULARY = 1500, 23
WORDS = Path(__file__).parent / "streams" / "words.py"


class Processor:
    def __init__(self, broker, folder):
        self.command = [ROOT / ".venv-streams" / "bin" / "python", WORDS, broker.address, folder / "state"]
        self.log = folder / "words.log"

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()


def test_words_are_counted_once_whatever_is_killed(new_broker, tmp_path):
    broker = new_broker(
        group_initial_rebalance_delay_ms=0, group_min_session_timeout_ms=500,
        transaction_abort_timed_out_transaction_cleanup_interval_ms=200)
    moments = random.Random(3)
    for name in ("lines", "counts"):
        create_topic(broker, name, partitions=2)
    lines = [" ".join(f"word{moments.randrange(VOCABULARY)}" for _ in range(5)) for _ in range(LINES)]
    expected = collections.Counter(word for line in lines for word in line.split())
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "metadata.recovery.strategy": "none"})
    sent = 0

    def send(count):
        nonlocal sent
        for line in lines[sent:sent + count]:
            producer.produce("lines", line)
        assert producer.flush(30) == 0
        sent = min(sent + count, LINES)

    reader = confluent_kafka.Consumer(
        {"bootstrap.servers": broker.address, "group.id": "reader", "enable.auto.commit": False,
         "isolation.level": "read_committed", "auto.offset.reset": "earliest", "metadata.recovery.strategy": "none",
         "reconnect.backoff.max.ms": 100})
    reader.assign([TopicPartition("counts", p, 0) for p in range(2)])
    seen, total = collections.defaultdict(list), 0

    def read(until, seconds=60):
        """Reads what is committed, until there are so many counts; each has so much time to come."""
        nonlocal total
        deadline = time.monotonic() + seconds
        while total < until:
            assert time.monotonic() < deadline, f"{total} of {until} counts:\n{processor.log.read_text()[-3000:]}"
            if processor.process.poll() is not None:
                # It ends itself where a transaction can neither be committed nor aborted any more.
                processor.start()
            message = reader.poll(0.1)
            if message is not None and not message.error():
                seen[message.key().decode()].append(int(message.value()))
                total += 1
                deadline = time.monotonic() + seconds

    processor = Processor(broker, tmp_path)
    processor.start()
    try:
        send(LINES // 5)
        read(100)
        for kill in ("processor", "broker", "processor and its state", "broker"):
            send(LINES // 5)
            # In the middle of what was just sent.
            read(total + moments.randrange(1, 200))
            if kill == "broker":
                broker.kill()
                broker.start()
            else:
                processor.kill()
                if "state" in kill:
                    # It comes back from the changelog topic.
                    shutil.rmtree(tmp_path / "state")
                processor.start()
        send(LINES)
        read(sum(expected.values()))
        extra = reader.poll(0.5)
        assert extra is None or extra.error(), f"one count too many: {extra.key()} {extra.value()}"
    finally:
        processor.kill()
        reader.close()
    assert {word: max(counts) for word, counts in seen.items()} == dict(expected)
    for word, counts in seen.items():
        assert counts == list(range(1, len(counts) + 1)), f"{word}: {counts}"
