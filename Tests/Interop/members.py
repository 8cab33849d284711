"""Members of groups, one for each client that people have: each polls in a thread of its own, notes what it gets, and commits.

Before it gives up partitions it has committed what it handled of them, as the clients' documents ask for: whoever gets them
next handles none of it again."""

import asyncio
import json
import subprocess
import sys
import threading
import time
import traceback
from types import SimpleNamespace

import confluent_kafka
import kafka
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.coordinator.assignors import cooperative_sticky as python_cooperative
from kafka.coordinator.assignors import range as python_range, roundrobin as python_roundrobin
from kafka.coordinator.assignors.sticky import sticky_assignor as python_sticky

from leaving import leave


class Member:
    """One consumer in a thread of its own: it polls, notes what it gets, and commits."""

    def __init__(self, broker, group, topic, **settings):
        self.broker, self.group, self.topic, self.settings = broker, group, topic, settings
        self.got = []
        self.assigned = set()
        # How often it was told what it has.
        self.rebalances = 0
        # Cleared, it does not answer when it is to give up what it has, and is alive all the same (not kafka-python's).
        self.gives_up = threading.Event()
        self.gives_up.set()
        self.error = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            self.consume()
        except Exception as error:  # raised by the test's thread, if it comes to that
            self.error = error
            traceback.print_exc()

    def stop(self):
        self.stopping.set()
        self.thread.join(60)
        assert not self.thread.is_alive(), "a member does not stop"
        assert self.error is None, self.error

    def keep(self, partition, offset, value):
        self.got.append((partition, offset, value))

    def keep_all(self, consumer, batch):
        """Notes a batch as kafka-python and aiokafka hand it over, and what the member has by now."""
        self.assigned = {p.partition for p in consumer.assignment()}
        for records in batch.values():
            for record in records:
                self.keep(record.partition, record.offset, record.value)


class ConfluentMember(Member):
    # How it names the time after which it counts as gone, in the classic protocol.
    session = "session.timeout.ms"

    def consume(self):
        new = "group.protocol" in self.settings
        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": self.broker.address, "group.id": self.group, "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "topic.metadata.refresh.interval.ms": 1000,
            # In the new protocol the broker says these.
            **({} if new else {"session.timeout.ms": 6000, "heartbeat.interval.ms": 300}), **self.settings})
        cooperative = new or "cooperative" in self.settings.get("partition.assignment.strategy", "")

        def is_committed():
            """Commits what was handled. False when the group moves, and it is to be done again."""
            try:
                consumer.commit(asynchronous=False)
            except confluent_kafka.KafkaException as error:
                if not self.may_fail(error.args[0]):
                    raise
                return error.args[0].code() == confluent_kafka.KafkaError._NO_OFFSET
            return True

        def assigned(consumer, partitions):
            self.rebalances += 1
            if cooperative:
                consumer.incremental_assign(partitions)
                self.assigned |= {p.partition for p in partitions}
            else:
                consumer.assign(partitions)
                self.assigned = {p.partition for p in partitions}

        # What is refused while the group moves is committed when it has, as far as this member still has it.
        must_commit = False

        def revoked(consumer, partitions):
            nonlocal must_commit
            self.gives_up.wait()
            # Who is out of the group asks in vain.
            deadline = time.monotonic() + 10
            while must_commit and time.monotonic() < deadline:
                must_commit = not is_committed()
            if cooperative:
                consumer.incremental_unassign(partitions)
                self.assigned -= {p.partition for p in partitions}
            else:
                consumer.unassign()
                self.assigned = set()

        consumer.subscribe([self.topic], on_assign=assigned, on_revoke=revoked)
        while not self.stopping.is_set():
            batch = consumer.consume(100, 0.1)
            for message in batch:
                assert not message.error(), message.error()
                self.keep(message.partition(), message.offset(), message.value())
            if batch or must_commit:
                must_commit = not is_committed()
        # Who gives up its subscription leaves; a static member is to come back.
        if "group.instance.id" in self.settings:
            consumer.close()
        else:
            leave(consumer)

    @staticmethod
    def may_fail(error):
        return error.code() in (
            confluent_kafka.KafkaError.REBALANCE_IN_PROGRESS, confluent_kafka.KafkaError.ILLEGAL_GENERATION,
            confluent_kafka.KafkaError.UNKNOWN_MEMBER_ID, confluent_kafka.KafkaError._NO_OFFSET,
            confluent_kafka.KafkaError.NOT_COORDINATOR, confluent_kafka.KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
            confluent_kafka.KafkaError.STALE_MEMBER_EPOCH, confluent_kafka.KafkaError._TRANSPORT, confluent_kafka.KafkaError._WAIT_COORD,
            confluent_kafka.KafkaError.COORDINATOR_NOT_AVAILABLE)


class PythonMember(Member):
    session = "session_timeout_ms"

    def consume(self):
        consumer = kafka.KafkaConsumer(
            bootstrap_servers=self.broker.address, group_id=self.group, auto_offset_reset="earliest",
            enable_auto_commit=False, **{"session_timeout_ms": 6000, "heartbeat_interval_ms": 300, **self.settings})
        member = self

        class Listener(kafka.ConsumerRebalanceListener):
            def on_partitions_revoked(self, revoked):
                """Is called by `poll`, before which everything was committed."""

            def on_partitions_assigned(self, assigned):
                member.rebalances += 1

        consumer.subscribe([self.topic], listener=Listener())
        # A leader of this client that joins before it knows the topic gives nobody anything, and may leave it at that.
        consumer.partitions_for_topic(self.topic)
        must_commit = False
        while must_commit or not self.stopping.is_set():
            batch = consumer.poll(timeout_ms=100)
            self.keep_all(consumer, batch)
            if batch or must_commit:
                try:
                    consumer.commit()
                    must_commit = False
                except (kafka.errors.CommitFailedError, kafka.errors.RebalanceInProgressError):
                    must_commit = True
        consumer.close(autocommit=False)


class AiokafkaMember(Member):
    session = "session_timeout_ms"

    def consume(self):
        asyncio.run(self.main())

    async def main(self):
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.broker.address, group_id=self.group, auto_offset_reset="earliest",
            enable_auto_commit=False, **{"session_timeout_ms": 6000, "heartbeat_interval_ms": 300, **self.settings})
        # Nothing was handled that has yet to be committed.
        at_rest = asyncio.Event()
        at_rest.set()
        member = self

        class Listener(ConsumerRebalanceListener):
            async def on_partitions_revoked(self, revoked):
                while not member.gives_up.is_set():
                    await asyncio.sleep(0.05)
                await at_rest.wait()

            async def on_partitions_assigned(self, assigned):
                member.rebalances += 1

        consumer.subscribe([self.topic], listener=Listener())
        await consumer.start()
        must_commit = False
        try:
            while must_commit or not self.stopping.is_set():
                batch = await consumer.getmany(timeout_ms=100)
                self.keep_all(consumer, batch)
                if batch or must_commit:
                    at_rest.clear()
                    try:
                        await consumer.commit()
                        must_commit = False
                    except Exception as error:
                        if "Commit" not in type(error).__name__ and "Rebalance" not in type(error).__name__:
                            raise
                        must_commit = True
                    finally:
                        at_rest.set()
        finally:
            await consumer.stop()


# Every client with every assignor it has.
KINDS = {
    "confluent-range": (ConfluentMember, {"partition.assignment.strategy": "range"}),
    "confluent-roundrobin": (ConfluentMember, {"partition.assignment.strategy": "roundrobin"}),
    "confluent-cooperative": (ConfluentMember, {"partition.assignment.strategy": "cooperative-sticky"}),
    "confluent-new-uniform": (
        ConfluentMember, {"group.protocol": "consumer", "group.remote.assignor": "uniform"}),
    "confluent-new-range": (ConfluentMember, {"group.protocol": "consumer", "group.remote.assignor": "range"}),
    "python-range": (PythonMember, {"partition_assignment_strategy": [python_range.RangePartitionAssignor]}),
    "python-roundrobin": (
        PythonMember, {"partition_assignment_strategy": [python_roundrobin.RoundRobinPartitionAssignor]}),
    "python-sticky": (PythonMember, {"partition_assignment_strategy": [python_sticky.StickyPartitionAssignor]}),
    "python-cooperative": (PythonMember, {"partition_assignment_strategy": [python_cooperative.CooperativeStickyAssignor]}),
    "aiokafka-range": (AiokafkaMember, {"partition_assignment_strategy": [RangePartitionAssignor]}),
    "aiokafka-roundrobin": (AiokafkaMember, {"partition_assignment_strategy": [RoundRobinPartitionAssignor]}),
    "aiokafka-sticky": (AiokafkaMember, {"partition_assignment_strategy": [StickyPartitionAssignor]}),
}


class DistantMember:
    """A member in a process of its own, which can be killed. What it got it has told before it committed it."""

    def __init__(self, kind, broker, group, topic, **settings):
        self.got = []
        self.assigned = set()
        self.process = subprocess.Popen(
            [sys.executable, __file__, kind, broker.address, group, topic, json.dumps(settings)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            told = json.loads(line)
            if isinstance(told, dict):
                self.assigned = set(told["assigned"])
            else:
                self.got.append((*told[:2], told[2].encode()))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.thread.join(60)

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0
        self.thread.join(60)


def main(kind, address, group, topic, settings):
    make, usual = KINDS[kind]

    class Telling(make):
        told = None

        def keep(self, partition, offset, value):
            print(json.dumps([partition, offset, value.decode()]), flush=True)

        def keep_all(self, consumer, batch):
            super().keep_all(consumer, batch)
            if self.assigned != self.told:
                self.told = self.assigned
                print(json.dumps({"assigned": sorted(self.told)}), flush=True)

    member = Telling(SimpleNamespace(address=address), group, topic, **usual, **json.loads(settings))
    # Until whoever began this has no more use for it, or is gone.
    sys.stdin.read()
    member.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
