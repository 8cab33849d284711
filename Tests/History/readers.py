"""Consumers that record what they are given: alone, in groups that commit, and in transactions with what they write."""

import time

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from actor import QUICK, SILENT, Actor
from facts import READ_COMMITTED
from leaving import leave
from producers import Transactional

PATIENCE_SECONDS = 30


def place_of(partition):
    return f"{partition.topic}-{partition.partition}"


def partition_of(place, offset=0):
    topic, number = place.rsplit("-", 1)
    return TopicPartition(topic, int(number), offset)


class Reader(Actor):
    """What all consumers here have. `incarnation` tells one consumer of an actor from the next."""

    isolation, group = READ_COMMITTED, None

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.incarnation = 0
        self.batch = []
        # How often a place was given to this actor or taken from it.
        self.epochs = {}
        self.at_end = {}

    @property
    def reader(self):
        return f"{self.name}.{self.incarnation}"

    def make(self, **settings):
        self.incarnation += 1
        return confluent_kafka.Consumer(
            {**QUICK, "bootstrap.servers": self.address, "group.id": self.group or "nobody", "enable.auto.commit": False,
             "isolation.level": self.isolation, "auto.offset.reset": "error", "fetch.wait.max.ms": 50,
             "check.crcs": True, "enable.partition.eof": False, **settings}, logger=SILENT)

    def starts(self, place, offset):
        self.keep()
        self.epochs[place] = self.epochs.get(place, 0) + 1
        self.record("position", reader=self.reader, isolation=self.isolation, group=self.group, place=place, offset=offset)

    def take(self, consumer, most, seconds=0.1):
        """Polls up to `most` records. What a rebalance cuts off is recorded before it."""
        given = []
        for index in range(most):
            message = consumer.poll(seconds if index == 0 else 0)
            if message is None:
                break
            if message.error():
                if message.error().code() == KafkaError._PARTITION_EOF:
                    self.at_end[f"{message.topic()}-{message.partition()}"] = message.offset()
                elif not message.error().retriable() and message.error().code() >= 0:
                    self.record("note", text=f"{self.reader}: {message.error()}")
                continue
            place = f"{message.topic()}-{message.partition()}"
            entry = [place, message.offset(), message.value().decode().split(" ")[0]]
            self.batch.append(entry)
            given.append((self.epochs.get(place), entry))
        self.keep()
        # What was taken away meanwhile is another's to handle.
        return [entry for epoch, entry in given if epoch == self.epochs.get(entry[0])]

    def keep(self):
        if self.batch:
            batch, self.batch = self.batch, []
            self.record("poll", reader=self.reader, isolation=self.isolation, group=self.group, records=batch)


class Tailer(Reader):
    """Reads all partitions without a group, from a random place again and again."""

    def work(self):
        self.isolation = self.settings["isolation"]
        seen = dict.fromkeys(self.places, 0)
        while not self.is_stopped:
            consumer = self.make()
            starts = {place: self.random.choice([0, seen[place], self.random.randrange(seen[place] + 1)])
                      for place in self.places}
            for place, offset in starts.items():
                self.starts(place, offset)
            consumer.assign([partition_of(place, offset) for place, offset in starts.items()])
            until = time.monotonic() + self.random.uniform(1, 6)
            while time.monotonic() < until and not self.is_stopped:
                for place, offset, _ in self.take(consumer, self.random.randrange(1, 300)):
                    seen[place] = max(seen[place], offset + 1)
                self.pause(0.02)
            consumer.close()


class Member(Reader):
    """Shares partitions with the rest of its group; what it must know it asks the broker for when it is given them."""

    def subscribe(self):
        if self.is_new:
            settings = {"group.protocol": "consumer"}
        else:
            settings = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 300,
                        "partition.assignment.strategy": self.settings.get("strategy", "range")}
        consumer = self.make(**settings)
        self.positions, self.is_closing = {}, False
        topics = sorted({place.rsplit("-", 1)[0] for place in self.places})
        consumer.subscribe(topics, on_assign=self.assigned, on_revoke=self.revoked, on_lost=self.lost)
        return consumer

    @property
    def is_new(self):
        """Whether it speaks the protocol of KIP-848."""
        return self.settings.get("protocol") == "consumer"

    @property
    def is_cooperative(self):
        return self.is_new or "cooperative" in self.settings.get("strategy", "")

    def told(self, consumer, partitions):
        """Positions as the broker has them, 0 where it has none."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            since = self.recorder.now
            try:
                answer = consumer.committed(partitions, 5)
                break
            except KafkaException as error:
                if time.monotonic() > deadline:
                    raise
                self.record("note", text=f"{self.reader}: committed: {error}")
                time.sleep(0.05)
        told = {place_of(one): max(one.offset, -1) for one in answer}
        self.record("told", group=self.group, since=since, positions=told)
        return {place_of(one): max(one.offset, 0) for one in answer}

    def assigned(self, consumer, partitions):
        # While it is closed librdkafka cannot ask the coordinator any more.
        if not partitions or self.is_closing:
            return
        places = self.told(consumer, partitions)
        for place, offset in places.items():
            self.starts(place, offset)
            self.positions[place] = offset
        started = [partition_of(place, offset) for place, offset in places.items()]
        if self.is_cooperative:
            consumer.incremental_assign(started)
        else:
            consumer.assign(started)

    def revoked(self, consumer, partitions):
        self.keep()
        self.leaving(consumer, [place_of(one) for one in partitions])
        self.lost(consumer, partitions)

    def lost(self, consumer, partitions):
        self.keep()
        for one in partitions:
            place = place_of(one)
            self.positions.pop(place, None)
            self.epochs[place] = self.epochs.get(place, 0) + 1
        if self.is_cooperative:
            consumer.incremental_unassign(partitions)
        else:
            consumer.unassign()

    def leaving(self, consumer, places):
        """Called while these places still belong to this member."""

    def close(self, consumer):
        self.is_closing = True
        leave(consumer)

    def read(self, consumer, most):
        given = self.take(consumer, most)
        for place, offset, _ in given:
            if place in self.positions:
                self.positions[place] = offset + 1
        return given


class Committer(Member):
    """Commits what it was given, some time after."""

    def work(self):
        self.isolation, self.group = self.settings["isolation"], self.settings["group"]
        while not self.is_stopped:
            consumer = self.subscribe()
            until = time.monotonic() + self.random.uniform(3, 15)
            try:
                while time.monotonic() < until and not self.is_stopped:
                    self.read(consumer, self.random.randrange(1, 200))
                    if self.random.random() < 0.2:
                        self.commit(consumer, dict(self.positions))
                    self.pause(0.02)
            except KafkaException as error:
                self.record("note", text=f"{self.reader}: {error}")
            if self.random.random() < 0.5:
                self.commit(consumer, dict(self.positions))
            self.close(consumer)

    def leaving(self, consumer, places):
        self.commit(consumer, {place: self.positions[place] for place in places if place in self.positions})

    def commit(self, consumer, positions):
        if not positions:
            return
        self.record("commit", reader=self.reader, group=self.group, positions=positions)
        try:
            answer = consumer.commit(offsets=[partition_of(*one) for one in positions.items()], asynchronous=False)
            kept = {place_of(one): one.offset for one in answer if one.error is None}
            self.record("committed", reader=self.reader, group=self.group, positions=kept)
        except KafkaException as error:
            self.record("note", text=f"{self.reader}: commit: {error}")


class Processor(Member, Transactional):
    """Reads, writes a record for each, and stores how far it is, in one transaction."""

    def work(self):
        self.group = self.settings["group"]
        producer = self.open()
        while not self.is_stopped:
            consumer = self.subscribe()
            until = time.monotonic() + self.random.uniform(4, 20)
            while time.monotonic() < until and not self.is_stopped:
                try:
                    before = dict(self.positions)
                    given = self.read(consumer, self.random.randrange(1, 100))
                    if given:
                        producer, counts = self.process(producer, consumer, given)
                        if not counts:
                            break
                except KafkaException as error:
                    self.record("note", text=f"{self.reader}: {error}")
                    break
            # Where nothing says how far a transaction came, a new consumer asks the broker.
            self.close(consumer)
        self.open()

    def process(self, producer, consumer, given):
        """The producer to go on with, and whether what was given is done."""
        transaction = self.begin()
        try:
            producer.begin_transaction()
            for place, offset, _ in given:
                self.send(producer, self.random.choice(self.settings["outputs"]), transaction, of=[place, offset],
                          group=self.group)
            positions = {place: offset + 1 for place, offset, _ in given}
            self.record("offsets", reader=self.reader, transaction=transaction, group=self.group, positions=positions)
            self.send_offsets(producer, consumer, positions)
        except KafkaException as error:
            self.failed(transaction, "write", error)
            return self.give_up(producer, transaction), False
        is_commit = self.random.random() < 0.9
        if not self.end(producer, transaction, is_commit):
            return self.open(), False
        return producer, is_commit

    def send_offsets(self, producer, consumer, positions):
        deadline = time.monotonic() + PATIENCE_SECONDS
        offsets = [partition_of(*one) for one in positions.items()]
        while True:
            try:
                return producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), 5)
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise


class Whole(Reader):
    """Reads everything, at the end."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        # isolation and place -> the offset of the last record.
        self.last = {}

    def read_all(self, isolation, ends):
        self.isolation, self.at_end = isolation, {}
        consumer = self.make(**{"enable.partition.eof": True})
        for place in ends:
            self.starts(place, 0)
        consumer.assign([partition_of(place) for place in ends])
        deadline = time.monotonic() + 120
        while missing := {place: end for place, end in ends.items() if self.at_end.get(place, -1) < end}:
            if time.monotonic() > deadline:
                break
            for place, offset, _ in self.take(consumer, 2000):
                self.last[isolation, place] = offset
        consumer.close()
        if missing:
            raise AssertionError(f"{isolation}: the end of {missing} is not reached")
        for place, end in ends.items():
            self.record("read", reader=self.reader, place=place, end=end)
