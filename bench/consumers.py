"""Consumers: how long 1,000 members of one group of the new protocol (KIP-848) take until each has its share.

Of a member its heartbeats are made by hand, as in `groups`. All beat as soon as all are answered, so that no interval of theirs
is in the figures, and what they were given they say that they have, as clients do.
"""

import struct
import time

from broker import Broker
from groups import CREATE, FIND, MEMBERS, Members
from table import row
from wire import compact, compact_string, request, string

HEARTBEAT = 68
GROUP, TOPIC, PARTITIONS = "consumers", "shared", MEMBERS
NONE, COORDINATOR_IS_COMING = 0, (14, 15, 16)
NULL, NO_TAGS, LEAVES = b"\0", b"\0", -1


class Consumer:
    """What a member knows: its epoch and its partitions, and whether it has yet to say that it has them."""

    def __init__(self, name):
        self.name = name
        self.epoch = 0
        self.owned = []
        self.must_tell = True

    def frame(self, epoch=None):
        epoch = self.epoch if epoch is None else epoch
        joins = epoch == 0
        body = compact_string(GROUP) + compact_string(self.name) + struct.pack(">i", epoch) + NULL + NULL
        body += struct.pack(">i", 60_000 if joins else -1)
        body += compact(1) + compact_string(TOPIC) if joins else NULL
        body += NULL + NULL
        if self.must_tell:
            body += compact(len(self.owned))
            for topic, partitions in self.owned:
                body += topic + compact(len(partitions)) + struct.pack(f">{len(partitions)}i", *partitions) + NO_TAGS
        else:
            body += NULL
        return request(HEARTBEAT, 1, body + NO_TAGS, flexible=True)

    def take(self, answer):
        """Takes what the broker says. Returns the error."""
        error, at = struct.unpack_from(">h", answer, 5)[0], 7
        for _ in range(2):
            size, at = read_count(answer, at)
            at += max(size, 0)
        if error != NONE:
            return error
        self.epoch, _, is_there = struct.unpack_from(">iib", answer, at)
        self.must_tell, at = is_there == 1, at + 9
        if self.must_tell:
            self.owned = []
            topics, at = read_count(answer, at)
            for _ in range(topics):
                topic = answer[at:at + 16]
                count, at = read_count(answer, at + 16)
                self.owned.append((topic, struct.unpack_from(f">{count}i", answer, at)))
                at += 4 * count + 1
        return error


def read_count(data, at):
    """The length of what is compact, -1 for null, and where it begins."""
    value = shift = 0
    while True:
        byte, at = data[at], at + 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value - 1, at


def beat(members, consumers):
    errors = {one.take(answer) for one, answer in zip(consumers, members.ask([one.frame() for one in consumers]))}
    assert errors == {NONE}, errors


def settle(members, consumers, seconds=60):
    """Has all beat until they are in one epoch and have all partitions among them, each as many as any other or one more."""
    deadline = time.monotonic() + seconds
    while True:
        beat(members, consumers)
        sizes = [sum(len(partitions) for _, partitions in one.owned) for one in consumers]
        if len({one.epoch for one in consumers}) == 1 and sum(sizes) == PARTITIONS and max(sizes) - min(sizes) <= 1:
            break
        assert time.monotonic() < deadline, "the members do not come to their shares"
    owned = [(topic, partition) for one in consumers for topic, partitions in one.owned for partition in partitions]
    assert len(set(owned)) == PARTITIONS, "a partition has two owners"


def leave(members, consumers):
    errors = {struct.unpack_from(">h", answer, 5)[0] for answer in members.ask([c.frame(LEAVES) for c in consumers])}
    assert errors == {NONE}, errors


def measure_joins(broker, members):
    """All join at once, three times. Returns those who are there in the end."""
    took, cpu = [], []
    for turn in range(3):
        consumers = [Consumer(f"member-{turn}-{number:04}") for number in range(MEMBERS)]
        begun, before = time.perf_counter(), broker.cpu_seconds()
        settle(members, consumers)
        took.append(time.perf_counter() - begun)
        cpu.append(broker.cpu_seconds() - before)
        if turn < 2:
            leave(members, consumers)
    row(f"{MEMBERS:,} members join a group of the new protocol, to everyone's share",
        f"{min(took) * 1000:.0f} ms (worst {max(took) * 1000:.0f}), {min(cpu):.2f} s of CPU", "", "", "below 1 s",
        max(took) < 1)
    return consumers


def measure_changes(members, consumers):
    """One member leaves, and another joins."""
    left, joined = [], []
    for turn in range(5):
        gone, consumers = consumers[0], consumers[1:]
        begun = time.perf_counter()
        leave(members, [gone])
        settle(members, consumers)
        left.append(time.perf_counter() - begun)
        consumers = [*consumers, Consumer(f"another-{turn}")]
        begun = time.perf_counter()
        settle(members, consumers)
        joined.append(time.perf_counter() - begun)
    for what, took in (("leaves", left), ("joins", joined)):
        row(f"one of {MEMBERS:,} members {what}, to everyone's share and epoch",
            f"{min(took) * 1000:.0f} ms (worst {max(took) * 1000:.0f})", "", "", "below 1 s", max(took) < 1)


def measure():
    broker = Broker(offsets_topic_num_partitions=1)
    members = Members(broker.address, MEMBERS)
    try:
        create = struct.pack(">i", 1) + string(TOPIC) + struct.pack(">ihii", PARTITIONS, 1, 0, 0) + struct.pack(">i", 60_000)
        members.ask([request(CREATE, 0, create)])
        members.ask([request(FIND, 0, string(GROUP))])
        first, deadline = Consumer("first"), time.monotonic() + 20
        while (error := first.take(members.ask([first.frame()])[0])) in COORDINATOR_IS_COMING:
            assert time.monotonic() < deadline, error
            time.sleep(0.05)
        assert error == NONE, error
        leave(members, [first])
        measure_changes(members, measure_joins(broker, members))
    finally:
        members.close()
        broker.close()
