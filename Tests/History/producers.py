"""Producers that write at random and record what they were told."""

import json
import subprocess
import time

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

from actor import QUICK, SILENT, Actor
from facts import ABORTED, COMMITTED, UNKNOWN

TRANSACTION_TIMEOUT_MS = 8000


class Writer(Actor):
    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.number = 0
        # What nothing is known of yet; and whether an abort has thrown some of it away.
        self.waiting, self.has_purged = set(), False

    def next_value(self):
        self.number += 1
        return f"{self.name}:{self.number}"

    def delivered(self, error, message):
        value = message.value().decode().split(" ")[0]
        self.waiting.discard(value)
        if error is None:
            place = f"{message.topic()}-{message.partition()}"
            if message.offset() >= 0:
                self.record("acknowledged", value=value, place=place, offset=message.offset())
        else:
            self.has_purged |= error.code() in (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)
            self.record("failed", value=value, error=error.name(), text=str(error))

    def send(self, producer, place, transaction=None, **fields):
        value = self.next_value()
        topic, partition = place.rsplit("-", 1)
        self.record("send", by=self.name, value=value, place=place, transaction=transaction, **fields)
        padding = "x" * self.random.randrange(0, 200)
        producer.produce(topic, f"{value} {padding}", partition=int(partition), on_delivery=self.delivered)
        self.waiting.add(value)


class Plain(Writer):
    """Idempotent, without transactions."""

    def work(self):
        producer = confluent_kafka.Producer(
            {**QUICK, "bootstrap.servers": self.address, "enable.idempotence": True, "message.timeout.ms": 60_000,
             "linger.ms": self.random.choice([0, 2, 10])}, logger=SILENT)
        while not self.is_stopped:
            if len(producer) < 500:
                for _ in range(self.random.randrange(1, 20)):
                    self.send(producer, self.random.choice(self.places))
            producer.poll(0.01)
            self.pause(0.02)
        producer.flush(70)
        for value in sorted(self.waiting):
            self.record("failed", value=value, error="no answer")


class Transactional(Writer):
    """Transactions over several partitions that commit, abort, or are left to a successor with the same id."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.count = 0

    def open(self):
        """A producer that has taken over the id."""
        self.has_purged = False
        while True:
            producer = confluent_kafka.Producer(
                {**QUICK, "bootstrap.servers": self.address, "transactional.id": self.name, "linger.ms": 2,
                 "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS}, logger=SILENT)
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                try:
                    producer.init_transactions(5)
                    self.record("initialized", by=self.name)
                    return producer
                except KafkaException as error:
                    if not error.args[0].retriable():
                        self.record("note", text=f"{self.name}: init: {error}")
                        break

    def begin(self):
        self.count += 1
        transaction = f"{self.name}/{self.count}"
        self.record("begin", by=self.name, transaction=transaction, timeout=TRANSACTION_TIMEOUT_MS / 1000)
        return transaction

    def failed(self, transaction, what, error):
        self.record("failed", transaction=transaction, of=what, error=error.args[0].name(), text=str(error))

    def work(self):
        producer = self.open()
        while not self.is_stopped:
            transaction = self.begin()
            is_zombie = self.random.random() < 0.05
            try:
                producer.begin_transaction()
                for _ in range(self.random.randrange(1, 6)):
                    for _ in range(self.random.randrange(1, 8)):
                        self.send(producer, self.random.choice(self.places), transaction)
                    producer.poll(0)
                    self.pause(0.02)
            except KafkaException as error:
                self.failed(transaction, "write", error)
                producer = self.give_up(producer, transaction)
                continue
            if is_zombie:
                producer = self.leave(producer, transaction)
            elif not self.end(producer, transaction, self.random.random() < 0.75):
                producer = self.open()
        # Whatever is open still is aborted, so that readers come to the end.
        self.open()

    def leave(self, zombie, transaction):
        """A successor takes over; then the zombie tries to write on, and to commit what it had open."""
        if self.random.random() < 0.5:
            zombie.flush(5)
        successor = self.open()
        if self.random.random() < 0.5:
            try:
                self.send(zombie, self.random.choice(self.places), transaction)
            except KafkaException as error:
                self.failed(transaction, "write", error)
        self.end(zombie, transaction, True)
        return successor

    def give_up(self, producer, transaction):
        return producer if self.end(producer, transaction, False) else self.open()

    def end(self, producer, transaction, is_commit):
        """Commits or aborts. False when the producer can do no more.

        That is so, too, when an abort has thrown messages away: after a kill such a one may be in the log, and librdkafka
        (2.16) gives its sequence number to the next one, which is then refused for good or taken for the same again."""
        self.record("end", transaction=transaction, commit=is_commit)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if is_commit:
                    producer.commit_transaction(5)
                else:
                    producer.abort_transaction(5)
                    producer.poll(0)
                self.record("ended", transaction=transaction, outcome=COMMITTED if is_commit else ABORTED)
                return not self.has_purged
            except KafkaException as error:
                problem = error.args[0]
                if problem.retriable():
                    continue
                self.failed(transaction, "commit" if is_commit else "abort", error)
                if problem.txn_requires_abort() and is_commit:
                    return self.end(producer, transaction, False)
                break
        else:
            self.record("failed", transaction=transaction, of="commit" if is_commit else "abort", error="no answer")
        self.record("ended", transaction=transaction, outcome=UNKNOWN if is_commit else ABORTED)
        return False


class Tool(Writer):
    """kproduce: each run is a transaction with an epoch of its own (KIP-890), and some are killed."""

    def work(self):
        count = 0
        while not self.is_stopped:
            count += 1
            self.run_once(f"{self.name}/{count}", is_killed=self.random.random() < 0.2)
            self.pause(0.1)
        self.run_once(f"{self.name}/{count + 1}", is_killed=False)

    def run_once(self, transaction, is_killed):
        self.record("begin", by=self.name, transaction=transaction, timeout=TRANSACTION_TIMEOUT_MS / 1000)
        process = subprocess.Popen(
            [self.tools / "kproduce", "-b", self.address, "-t", self.places[0].rsplit("-", 1)[0], "-q", "--json",
             "--transactional-id", self.name, "-X", f"transaction.timeout.ms={TRANSACTION_TIMEOUT_MS}"],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            for _ in range(self.random.randrange(1, 30)):
                place, value = self.random.choice(self.places), self.next_value()
                self.record("send", by=self.name, value=value, place=place, transaction=transaction)
                envelope = {"partition": int(place.rsplit("-", 1)[1]), "value": value}
                process.stdin.write(json.dumps(envelope).encode() + b"\n")
            process.stdin.flush()
            self.pause(0.1)
            if is_killed:
                process.kill()
                process.wait()
                return
            self.record("end", transaction=transaction, commit=True)
            process.stdin.close()
        except BrokenPipeError:
            pass
        errors = process.stderr.read().decode(errors="replace").strip()
        outcome = COMMITTED if process.wait() == 0 else UNKNOWN
        self.record("ended", transaction=transaction, outcome=outcome)
        if outcome == UNKNOWN:
            self.record("failed", transaction=transaction, of="kproduce", error=errors[:300])
        elif errors:
            self.record("note", text=f"{transaction}: {errors[:300]}")
