"""A random workload against a broker that is killed meanwhile, and what its clients saw of it."""

import random
import socket
import struct
import subprocess
import time

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

import wire
from actor import QUICK
from facts import READ_COMMITTED, READ_UNCOMMITTED
from producers import TRANSACTION_TIMEOUT_MS, Plain, Tool, Transactional
from readers import Committer, Member, Processor, Tailer, Whole, partition_of, place_of
from recorder import Recorder

PARTITIONS = 3
# How long a group may stand still before it is at the end, when nobody writes any more: longer than the longest session (45 s,
# of Kafka's new protocol) of a member that is gone. And what all groups have.
STILL_SECONDS, GROUP_SECONDS = 90, 600
# What makes a broker of our own roll, snapshot, compact and expire within seconds.
SETTINGS = {
    "group_initial_rebalance_delay_ms": 100, "transaction_abort_timed_out_transaction_cleanup_interval_ms": 200,
    "offsets_topic_num_partitions": 4, "offsets_topic_segment_bytes": 65_536, "transaction_state_log_num_partitions": 4,
    "transaction_state_log_segment_bytes": 65_536, "log_cleaner_backoff_ms": 500,
    "log_cleaner_min_cleanable_ratio": 0.2, "log_flush_offset_checkpoint_interval_ms": 300,
    "group_min_session_timeout_ms": 1000,
    "group_consumer_heartbeat_interval_ms": 300, "group_consumer_min_heartbeat_interval_ms": 300,
    "group_consumer_session_timeout_ms": 6000, "group_consumer_min_session_timeout_ms": 6000,
}


CONSUMER_GROUP_HEARTBEAT = 68


def apis(address):
    """The APIs that a broker has."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 20) as connection:
        connection.sendall(wire.request(wire.API_VERSIONS, 0))
        answer = connection.makefile("rb")
        (size,) = struct.unpack(">i", answer.read(4))
        body = answer.read(size)
    (count,) = struct.unpack_from(">i", body, 6)
    return {struct.unpack_from(">h", body, 10 + 6 * index)[0] for index in range(count)}


class OwnBroker:
    """A kbroker of the test's that is killed and started again."""

    can_restart = True

    def __init__(self, broker):
        self.broker, self.address = broker, broker.address

    def restart(self, random):
        if random.random() < 0.15:
            self.broker.stop()
        else:
            self.broker.kill()
        time.sleep(random.choice([0, 0, random.uniform(0, 1)]))
        self.broker.start()


class ForeignBroker:
    """A broker that is there already. Without a command that kills and starts it, it stays up."""

    def __init__(self, address, command=None):
        self.address, self.command = address, command

    @property
    def can_restart(self):
        return self.command is not None

    def restart(self, random):
        subprocess.run(self.command, shell=True, check=True, timeout=120)


class Workload:
    def __init__(self, broker, seed, tools=None):
        self.broker, self.random, self.recorder = broker, random.Random(seed), Recorder()
        self.kills = 0
        self.admin = AdminClient({**QUICK, "bootstrap.servers": broker.address})
        # A broker may have seen this seed before.
        name = f"h{seed}-{int(time.time()) % 1_000_000}"
        self.places = [f"{name}-in-{number}" for number in range(PARTITIONS)]
        self.outputs = [f"{name}-out-{number}" for number in range(2)]
        self.create(f"{name}-in", PARTITIONS)
        self.create(f"{name}-out", 2)
        self.groups = {"exact": f"{name}-exact", "range": f"{name}-range", "sticky": f"{name}-sticky"}

        has_new = CONSUMER_GROUP_HEARTBEAT in apis(broker.address)
        exact = {"group": self.groups["exact"], "outputs": self.outputs,
                 "protocol": "consumer" if has_new and seed % 2 == 0 else "classic"}

        def make(kind, actor, places=self.places, **settings):
            return kind(f"{name}.{actor}", seed, self.recorder, broker.address, places, tools, **settings)

        self.actors = [
            make(Plain, "plain"), make(Transactional, "txn-1"), make(Transactional, "txn-2"),
            make(Tailer, "committed", self.places + self.outputs, isolation=READ_COMMITTED),
            make(Tailer, "everything", self.places + self.outputs, isolation=READ_UNCOMMITTED),
            make(Committer, "range-1", group=self.groups["range"], isolation=READ_COMMITTED),
            make(Committer, "range-2", group=self.groups["range"], isolation=READ_COMMITTED),
            make(Committer, "sticky-1", group=self.groups["sticky"], isolation=READ_UNCOMMITTED,
                 strategy="cooperative-sticky"),
            make(Committer, "sticky-2", group=self.groups["sticky"], isolation=READ_UNCOMMITTED,
                 strategy="cooperative-sticky"),
            make(Processor, "exact-1", **exact), make(Processor, "exact-2", **exact),
        ]
        if tools:
            self.actors.append(make(Tool, "tool"))
        if has_new:
            self.groups["new"] = f"{name}-new"
            self.actors += [
                make(Committer, f"new-{number}", group=self.groups["new"], isolation=READ_COMMITTED, protocol="consumer")
                for number in (1, 2)]
        self.whole = make(Whole, "whole")

    def create(self, topic, partitions):
        config = {"segment.bytes": "200000", "retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
        self.admin.create_topics([NewTopic(topic, partitions, 1, config=config)])[topic].result(20)

    def run(self, seconds, kills=0):
        """Works for a while and until the broker was killed so often, lets the groups come to the end in peace, reads
        everything. Returns the history."""
        with self.recorder.watched():
            self.work(seconds, kills)
            members = [actor for actor in self.actors if isinstance(actor, Member)]
            self.stop([actor for actor in self.actors if actor not in members])
            self.read_all(self.places)
            self.wait_for(members)
            self.stop(members)
            self.read_all(self.outputs)
            self.ask_positions()
        return self.recorder.events

    def work(self, seconds, kills):
        for actor in self.actors:
            actor.thread.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end or self.kills < kills:
            pause = self.random.choice([0.3, 1, 3, 6]) * self.random.uniform(0.5, 1.5)
            if self.kills >= kills:
                pause = min(pause, max(end - time.monotonic(), 0))
            time.sleep(pause)
            if self.broker.can_restart and (time.monotonic() < end or self.kills < kills):
                self.recorder.record("restart")
                self.broker.restart(self.random)
                self.kills += 1
                self.recorder.record("restarted")

    def stop(self, actors):
        for actor in actors:
            actor.stopping.set()
        for actor in actors:
            actor.thread.join(120)
            if actor.thread.is_alive():
                raise AssertionError(f"{actor.name} does not come to its end")
            if actor.failure:
                raise AssertionError(f"{actor.name}: {actor.failure}")

    def read_all(self, places):
        ends = self.ends(places)
        self.whole.read_all(READ_COMMITTED, ends)
        self.whole.read_all(READ_UNCOMMITTED, ends)

    def wait_for(self, members):
        """Waits until the groups of these members have come to the end, or stand still."""
        isolations = {actor.settings["group"]: actor.isolation for actor in members}
        end = time.monotonic() + GROUP_SECONDS
        for group, isolation in isolations.items():
            before, deadline = None, 0
            while True:
                try:
                    positions = self.positions(group)
                except KafkaException as error:
                    self.recorder.record("note", text=f"{group}: {error}")
                    positions = {}
                if positions != before:
                    before, deadline = positions, min(time.monotonic() + STILL_SECONDS, end)
                if time.monotonic() > deadline or all(
                        positions.get(place, -1) > self.whole.last.get((isolation, place), -1) for place in self.places):
                    break
                time.sleep(0.1)

    def ends(self, places):
        """Where partitions end, as soon as no transaction is open in them any more."""
        wanted = [partition_of(place) for place in places]
        deadline = time.monotonic() + TRANSACTION_TIMEOUT_MS / 1000 + 30
        while True:
            ends = {}
            for level in (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED):
                asked = self.admin.list_offsets(
                    {TopicPartition(one.topic, one.partition): OffsetSpec.latest() for one in wanted}, isolation_level=level)
                ends[level] = {place_of(one): answer.result(20).offset for one, answer in asked.items()}
            stable, all_of_it = ends.values()
            if stable == all_of_it:
                return all_of_it
            if time.monotonic() > deadline:
                raise AssertionError(f"transactions stay open: readers come to {stable} of {all_of_it}")
            time.sleep(0.1)

    def ask_positions(self):
        for group in self.groups.values():
            since = self.recorder.now
            self.recorder.record("told", group=group, since=since, positions=self.positions(group), final=True)

    def positions(self, group):
        """Where a group is; -1 where the answer has nothing."""
        answer = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(20)
        return {place: -1 for place in self.places} | {
            place_of(one): max(one.offset, -1) for one in answer.topic_partitions}


def summary(events, kills):
    counts = {}
    for event in events:
        counts[event["type"]] = counts.get(event["type"], 0) + 1
    outcomes = {}
    for event in events:
        if event["type"] == "ended":
            outcomes[event["outcome"]] = outcomes.get(event["outcome"], 0) + 1
    read = sum(len(event["records"]) for event in events if event["type"] == "poll")
    return (f"{kills} kills, {counts.get('send', 0):,} sent, {counts.get('acknowledged', 0):,} acknowledged, {read:,} read, "
            f"{counts.get('begin', 0):,} transactions ({', '.join(f'{n:,} {o}' for o, n in sorted(outcomes.items()))}), "
            f"{counts.get('committed', 0):,} commits of positions")
