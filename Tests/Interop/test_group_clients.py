"""Groups of every client that people have, while their members come and go, crash, come back, or do not answer."""

import asyncio
import collections
import threading
import time
import uuid

import aiokafka
import confluent_kafka
import kafka
import pytest

from broker import wait_until
from conftest import create_topic
from members import KINDS, AiokafkaMember, ConfluentMember, DistantMember, PythonMember
from test_groups import PARTITIONS, committed, describe, handled, in_order, is_shared, produce, set_session, wait_until_settled


# The session of those that are not to count as gone, however long the machine stands still.
LONG = 60_000


def name(what):
    return f"{what}-{uuid.uuid4().hex[:6]}"


def patient(broker, group, kind):
    """What makes a member of this kind, with a long session."""
    make, settings = KINDS[kind]
    if "group.protocol" in settings:
        set_session(broker, group, LONG)
        return make, settings
    return make, {**settings, make.session: LONG}


class Flow:
    """Records that keep coming, as many to each partition; their values are the numbers from zero."""

    def __init__(self, broker, topic):
        self.broker, self.topic, self.count = broker, topic, 0
        self.ending = threading.Event()
        self.left = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        producer = confluent_kafka.Producer({"bootstrap.servers": self.broker.address, "linger.ms": 5})
        while not self.ending.wait(0.01):
            for partition in range(PARTITIONS):
                producer.produce(self.topic, str(self.count).encode(), partition=partition)
                self.count += 1
            producer.poll(0)
        self.left = producer.flush(60)

    def end(self):
        self.ending.set()
        self.thread.join(80)
        assert self.left == 0, f"not everything was written: {self.left}"
        return collections.Counter(str(number).encode() for number in range(self.count))


def wait_until_all_get_more(members):
    before = [len(member.got) for member in members]
    wait_until(lambda: all(len(m.got) > b for m, b in zip(members, before)), 40, "records for everybody")


def wait_until_committed(broker, group, topic, count):
    wait_until(lambda: committed(broker, group, topic) == [count // PARTITIONS] * PARTITIONS, 60, "all commits")


@pytest.mark.parametrize("kind", KINDS)
def test_each_record_is_handled_exactly_once_while_members_come_and_go(quick_broker, kind):
    group = name(f"flow-{kind}")
    make, settings = patient(quick_broker, group, kind)
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    join = lambda: make(quick_broker, group, topic, **settings)
    members = [join(), join()]
    everybody = list(members)
    wait_until_settled(quick_broker, group, members)
    flow = Flow(quick_broker, topic)
    try:
        wait_until_all_get_more(members)
        for leaves in False, True, False:
            if leaves:
                members.pop(0).stop()
            else:
                members.append(join())
                everybody.append(members[-1])
            wait_until_settled(quick_broker, group, members)
            wait_until_all_get_more(members)
    finally:
        written = flow.end()
    wait_until_committed(quick_broker, group, topic, flow.count)
    for member in members:
        member.stop()
    got = collections.Counter(value for member in everybody for _, _, value in member.got)
    assert got == written, f"lost {sorted((written - got).elements())[:9]}, again {sorted((got - written).elements())[:9]}"
    in_order(everybody)


@pytest.mark.parametrize("kind", ["python-range", "python-cooperative", "aiokafka-range"])
def test_a_static_member_comes_back_to_what_it_had_and_disturbs_nobody(quick_broker, kind):
    group = name(f"static-{kind}")
    make, settings = patient(quick_broker, group, kind)
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    join = lambda instance: make(quick_broker, group, topic, group_instance_id=instance, **settings)
    members = [join("i0"), join("i1")]
    wait_until_settled(quick_broker, group, members)
    had = set(members[0].assigned)
    ids = lambda: {m.group_instance_id: m.member_id for m in describe(quick_broker, group).members}
    before, rebalances = ids(), members[1].rebalances
    members[0].stop()
    assert ids() == before, "closing a static member changes its group"
    members[0] = join("i0")
    wait_until(lambda: members[0].assigned == had, 40, "the old assignment")
    after = ids()
    assert before["i0"] != after["i0"] and before["i1"] == after["i1"]
    # Both read on, and nothing has moved.
    produce(quick_broker, topic, 60)
    wait_until_committed(quick_broker, group, topic, 60)
    for member in members:
        member.stop()
    assert members[1].rebalances == rebalances, "the other one was disturbed"
    assert sorted(value for member in members for _, _, value in member.got) == sorted(b"%d" % n for n in range(60))


# Rarely enough for a zombie to hear of its end from nothing but what it asks for.
STATIC = {"group_instance_id": "twin", "session_timeout_ms": LONG, "heartbeat_interval_ms": LONG // 3}


def test_a_twin_fences_a_static_member_of_kafka_python(quick_broker):
    group = name("twin-python")
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    zombie = kafka.KafkaConsumer(
        topic, bootstrap_servers=quick_broker.address, group_id=group, enable_auto_commit=False, **STATIC)
    zombie.partitions_for_topic(topic)
    wait_until(lambda: zombie.poll(timeout_ms=100) == {} and len(zombie.assignment()) == PARTITIONS, 40, "all partitions")
    place = {kafka.TopicPartition(topic, 0): kafka.OffsetAndMetadata(0, "", -1)}
    zombie.commit(place)
    twin = PythonMember(quick_broker, group, topic, **STATIC)
    wait_until(lambda: len(twin.assigned) == PARTITIONS, 40, "what the first one had")
    with pytest.raises(kafka.errors.FencedInstanceIdError):
        zombie.commit(place)
    zombie.close(autocommit=False)
    produce(quick_broker, topic, 60)
    wait_until_committed(quick_broker, group, topic, 60)
    twin.stop()


def test_a_twin_fences_a_static_member_of_aiokafka(quick_broker):
    """It does not name itself in its commits, so it is not told as fenced but as unknown."""
    group = name("twin-aiokafka")
    topic = create_topic(quick_broker, partitions=PARTITIONS)

    async def run():
        zombie = aiokafka.AIOKafkaConsumer(
            topic, bootstrap_servers=quick_broker.address, group_id=group, enable_auto_commit=False, **STATIC)
        await zombie.start()
        await asyncio.to_thread(wait_until, lambda: len(zombie.assignment()) == PARTITIONS, 40, "all partitions")
        place = {aiokafka.TopicPartition(topic, 0): 0}
        await zombie.commit(place)
        twin = AiokafkaMember(quick_broker, group, topic, **STATIC)
        await asyncio.to_thread(wait_until, lambda: len(twin.assigned) == PARTITIONS, 40, "what the first one had")
        with pytest.raises(aiokafka.errors.CommitFailedError) as refused:
            await zombie.commit(place)
        assert isinstance(refused.value.__cause__, aiokafka.errors.UnknownMemberIdError)
        await asyncio.to_thread(twin.stop)
        await zombie.stop()

    asyncio.run(run())


def test_members_that_are_killed_are_replaced_and_come_back(quick_broker):
    """Three clients in one group; of them those of Python are killed and come back."""
    group = name("killed")
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    victims = lambda: [DistantMember(kind, quick_broker, group, topic) for kind in ("python-range", "aiokafka-range")]
    steady = ConfluentMember(quick_broker, group, topic, **KINDS["confluent-range"][1])
    first = victims()
    wait_until_settled(quick_broker, group, [steady, *first])
    flow = Flow(quick_broker, topic)
    try:
        wait_until_all_get_more([steady, *first])
        for victim in first:
            victim.kill()
        wait_until_settled(quick_broker, group, [steady], "all for who is left")
        second = victims()
        wait_until_settled(quick_broker, group, [steady, *second])
        wait_until_all_get_more([steady, *second])
    finally:
        written = flow.end()
    wait_until_committed(quick_broker, group, topic, flow.count)
    for member in [steady, *second]:
        member.stop()
    everybody = [steady, *first, *second]
    assert set(handled(everybody)) == set(written)
    in_order([*first, *second])


@pytest.mark.parametrize("kind, settings", [
    ("confluent-range", {"max.poll.interval.ms": 6000}), ("confluent-new-uniform", {"max.poll.interval.ms": 6000}),
    ("aiokafka-range", {"rebalance_timeout_ms": 6000})])
def test_a_rebalance_does_not_wait_longer_than_its_timeout_for_who_gives_nothing_up(quick_broker, kind, settings):
    """The member is alive, as its heartbeats say, so that nothing but this timeout ends it."""
    group = name(f"hung-{kind}")
    make, usual = patient(quick_broker, group, kind)
    if make is ConfluentMember:
        # Its session may be no longer than that, but is never over.
        usual = KINDS[kind][1]
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    # The longest of all members' counts.
    join = lambda: make(quick_broker, group, topic, **{**usual, **settings})
    hung = join()
    wait_until_settled(quick_broker, group, [hung])
    hung.gives_up.clear()
    try:
        began = time.monotonic()
        member = join()
        wait_until(lambda: is_shared([member]), 30, "the end of the rebalance")
        assert time.monotonic() - began > 5, "a member is given up before its time is over"
    finally:
        hung.gives_up.set()
    # It finds itself outside, and joins again.
    wait_until_settled(quick_broker, group, [member, hung])
    for one in member, hung:
        one.stop()


OLD = {
    **{f"python-{'.'.join(map(str, version))}": (PythonMember, {"api_version": version})
       for version in [(0, 9), (0, 10), (1, 0), (2, 0)]},
    **{f"librdkafka-{version}": (ConfluentMember, {"api.version.request": False, "broker.version.fallback": version})
       for version in ["0.9.0", "0.10.0"]},
}


@pytest.mark.parametrize("kind", OLD)
def test_clients_of_old_share_partitions_and_commit(quick_broker, kind):
    make, settings = OLD[kind]
    group = name(f"old-{kind}")
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    members = [make(quick_broker, group, topic, **{make.session: LONG}, **settings) for _ in range(2)]
    wait_until_settled(quick_broker, group, members)
    produce(quick_broker, topic, 300)
    wait_until_committed(quick_broker, group, topic, 300)
    for member in members:
        member.stop()
    assert sorted(value for member in members for _, _, value in member.got) == sorted(b"%d" % n for n in range(300))
    assert all(member.got for member in members)
