"""Groups of other people's consumers: they share partitions, commit, crash, come back; the broker restarts in between."""

import collections
import itertools
import subprocess
import sys
import time
import uuid

import confluent_kafka
import kafka
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from broker import wait_until
from conftest import QUICK, create_topic
from members import KINDS, ConfluentMember

PARTITIONS = 6
LOADING = (confluent_kafka.KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
           confluent_kafka.KafkaError.COORDINATOR_NOT_AVAILABLE, confluent_kafka.KafkaError.NOT_COORDINATOR)


def produce(broker, topic, count, start=0):
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "linger.ms": 5})
    for number in range(start, start + count):
        producer.produce(topic, str(number).encode(), partition=number % PARTITIONS)
    assert producer.flush(20) == 0


def is_shared(members, partitions=PARTITIONS):
    """Every partition has one owner, and everybody has some."""
    owned = [p for member in members for p in sorted(member.assigned)]
    return sorted(owned) == list(range(partitions)) and all(member.assigned for member in members)


def handled(members):
    return collections.Counter(value for member in members for _, _, value in member.got)


def in_order(members):
    for member in members:
        for partition in range(PARTITIONS):
            offsets = [o for p, o, _ in member.got if p == partition]
            assert all(a < b for a, b in itertools.pairwise(offsets)), (partition, offsets)


def once_loaded(ask, seconds=40):
    """The answer of a group's coordinator, as soon as it has loaded what it answers from: its topic may just have been made, or
    the broker started."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except confluent_kafka.KafkaException as error:
            if error.args[0].code() not in LOADING or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def describe(broker, group):
    admin = AdminClient({"bootstrap.servers": broker.address})
    return once_loaded(lambda: admin.describe_consumer_groups([group])[group].result(20))


def committed(broker, group, topic):
    admin = AdminClient({"bootstrap.servers": broker.address})
    wanted = [TopicPartition(topic, p) for p in range(PARTITIONS)]
    asked = ConsumerGroupTopicPartitions(group, wanted)
    answer = once_loaded(lambda: admin.list_consumer_group_offsets([asked])[group].result(20))
    return [p.offset for p in answer.topic_partitions]


def wait_until_settled(broker, group, members, what="a balanced group"):
    """Until everybody has a share and nothing moves any more. What members have may look whole before that: while one has yet to
    give something up, others have what is theirs, and somebody has part of it."""
    wait_until(
        lambda: is_shared(members) and describe(broker, group).state.name == "STABLE" and is_shared(members), 40, what)


@pytest.mark.parametrize("kind", KINDS)
def test_members_share_partitions_and_handle_each_record_once(quick_broker, kind):
    make, settings = KINDS[kind]
    group = f"g-{kind}-{uuid.uuid4().hex[:6]}"
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    produce(quick_broker, topic, 300)
    members = [make(quick_broker, group, topic, **settings) for _ in range(3)]
    wait_until_settled(quick_broker, group, members)
    produce(quick_broker, topic, 300, start=300)
    wait_until(lambda: len(handled(members)) == 600, 60, "all records")
    members.pop().stop()
    wait_until_settled(quick_broker, group, members, "a balanced group of two")
    produce(quick_broker, topic, 300, start=600)
    everybody = members + []
    wait_until(lambda: sum(len(m.got) for m in everybody) >= 300, 30)
    wait_until(lambda: committed(quick_broker, group, topic) == [150] * PARTITIONS, 60, "all commits")
    for member in members:
        member.stop()
    in_order(members)


@pytest.mark.parametrize(
    "kind", ["confluent-range", "confluent-cooperative", "confluent-new-uniform", "python-range", "aiokafka-range"])
def test_nothing_is_lost_and_nothing_doubled_while_nobody_crashes(quick_broker, kind):
    make, settings = KINDS[kind]
    group = f"once-{kind}-{uuid.uuid4().hex[:6]}"
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    members = [make(quick_broker, group, topic, **settings) for _ in range(2)]
    wait_until_settled(quick_broker, group, members)
    produce(quick_broker, topic, 1200)
    wait_until(lambda: len(handled(members)) == 1200, 60, "all records")
    assert set(handled(members).values()) == {1}
    for member in members:
        member.stop()
    in_order(members)


SILENT = """
import sys, confluent_kafka
address, group, topic, protocol = sys.argv[1:]
how = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 300}
if protocol == "consumer": how = {"group.protocol": "consumer"}
consumer = confluent_kafka.Consumer({"bootstrap.servers": address, "group.id": group, **how})
consumer.subscribe([topic], on_assign=lambda _, partitions: print(len(partitions), flush=True))
while True: consumer.poll(0.1)
"""


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_member_that_crashes_is_replaced_after_its_session(quick_broker, protocol):
    group = f"crash-{uuid.uuid4().hex[:6]}"
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    victim = subprocess.Popen(
        [sys.executable, "-c", SILENT, quick_broker.address, group, topic, protocol], stdout=subprocess.PIPE, text=True)
    assert victim.stdout.readline().strip() == str(PARTITIONS)
    member = ConfluentMember(
        quick_broker, group, topic, **({"group.protocol": "consumer"} if protocol == "consumer" else {}))
    wait_until(lambda: len(member.assigned) == PARTITIONS // 2, 40, "a share")
    # Its session began with its last heartbeat, shortly before.
    began = time.monotonic()
    victim.kill()
    victim.wait()
    wait_until(lambda: is_shared([member]), 40, "the partitions of who is gone")
    assert time.monotonic() - began > 3, "a member is given up before its session is over"
    member.stop()


def test_static_members_come_back_to_what_they_had(quick_broker):
    group = f"static-{uuid.uuid4().hex[:6]}"
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    members = [
        ConfluentMember(quick_broker, group, topic, **{"group.instance.id": f"i{n}", "session.timeout.ms": 30000})
        for n in range(2)]
    wait_until_settled(quick_broker, group, members)
    had = set(members[0].assigned)
    before = {m.group_instance_id: m.member_id for m in describe(quick_broker, group).members}
    # Closing a static member does not take it out of the group.
    members[0].stop()
    assert len(describe(quick_broker, group).members) == 2
    members[0] = ConfluentMember(
        quick_broker, group, topic, **{"group.instance.id": "i0", "session.timeout.ms": 30000})
    wait_until(lambda: members[0].assigned == had, 20, "the old assignment")
    after = {m.group_instance_id: m.member_id for m in describe(quick_broker, group).members}
    assert before["i0"] != after["i0"] and before["i1"] == after["i1"]
    # The same name again fences who has it.
    zombie = confluent_kafka.Consumer({
        "bootstrap.servers": quick_broker.address, "group.id": group, "group.instance.id": "i2",
        "session.timeout.ms": 30000, "heartbeat.interval.ms": 300})
    zombie.subscribe([topic])
    wait_until(lambda: zombie.poll(0.1) is None and zombie.assignment(), 20, "a share")
    new = ConfluentMember(quick_broker, group, topic, **{"group.instance.id": "i2", "session.timeout.ms": 30000})

    def is_fenced():
        message = zombie.poll(0.1)
        return message is not None and message.error() and message.error().code() == confluent_kafka.KafkaError._FATAL

    wait_until(is_fenced, 20, "the fence")
    for member in members + [new]:
        member.stop()


def test_offsets_survive_a_stop_and_a_kill_of_the_broker(new_broker):
    broker = new_broker(**QUICK)
    topic = create_topic(broker, partitions=PARTITIONS)
    produce(broker, topic, 600)
    group = "survivors"
    members = [ConfluentMember(broker, group, topic) for _ in range(2)]
    wait_until(lambda: len(handled(members)) == 600, 40)
    wait_until(lambda: committed(broker, group, topic) == [100] * PARTITIONS, 60, "all commits")
    broker.stop()
    broker.start()
    produce(broker, topic, 300, start=600)
    wait_until(lambda: len(handled(members)) == 900, 60, "all records after a restart")
    wait_until(lambda: committed(broker, group, topic) == [150] * PARTITIONS, 60, "all commits")
    broker.kill()
    broker.start()
    assert committed(broker, group, topic) == [150] * PARTITIONS
    produce(broker, topic, 300, start=900)
    wait_until(lambda: len(handled(members)) == 1200, 60, "all records after a kill")
    for member in members:
        member.stop()


def test_an_administrator_lists_describes_alters_and_deletes(quick_broker):
    admin = AdminClient({"bootstrap.servers": quick_broker.address})
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    group = f"admin-{uuid.uuid4().hex[:6]}"
    produce(quick_broker, topic, 60)
    member = ConfluentMember(quick_broker, group, topic, **{"client.id": "me"})
    wait_until(lambda: committed(quick_broker, group, topic) == [10] * PARTITIONS, 60, "all commits")
    listed = {g.group_id: g for g in admin.list_consumer_groups().result(20).valid}
    assert listed[group].state.name == "STABLE" and not listed[group].is_simple_consumer_group
    described = describe(quick_broker, group)
    assert described.state.name == "STABLE" and described.partition_assignor == "range"
    assert [(m.client_id, m.host) for m in described.members] == [("me", "/127.0.0.1")]
    assert sorted(p.partition for p in described.members[0].assignment.topic_partitions) == list(range(PARTITIONS))
    with pytest.raises(confluent_kafka.KafkaException, match="NON_EMPTY_GROUP|not empty"):
        admin.delete_consumer_groups([group])[group].result(20)
    member.stop()
    wait_until(lambda: describe(quick_broker, group).state.name == "EMPTY", 20)
    moved = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 3)])
    admin.alter_consumer_group_offsets([moved])[group].result(20)
    assert committed(quick_broker, group, topic) == [3] + [10] * (PARTITIONS - 1)
    python = kafka.KafkaConsumer(bootstrap_servers=quick_broker.address, group_id=group)
    assert [python.committed(kafka.TopicPartition(topic, p)) for p in range(2)] == [3, 10]
    python.close()
    admin.delete_consumer_groups([group])[group].result(20)
    assert group not in {g.group_id for g in admin.list_consumer_groups().result(20).valid}
    assert committed(quick_broker, group, topic) == [-1001] * PARTITIONS


def test_offsets_go_with_their_topic(quick_broker):
    admin = AdminClient({"bootstrap.servers": quick_broker.address})
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    group = f"gone-{uuid.uuid4().hex[:6]}"
    assert committed(quick_broker, group, topic) == [-1001] * PARTITIONS
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p, 7) for p in range(PARTITIONS)])
    admin.alter_consumer_group_offsets([wanted])[group].result(20)
    assert committed(quick_broker, group, topic) == [7] * PARTITIONS
    admin.delete_topics([topic])[topic].result(20)
    wait_until(lambda: committed(quick_broker, group, topic) == [-1001] * PARTITIONS, 60, "the end of what was stored")


def test_a_pattern_follows_topics_that_come(quick_broker):
    prefix = f"pattern-{uuid.uuid4().hex[:6]}-"
    first = create_topic(quick_broker, prefix + "a", partitions=2)
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": quick_broker.address, "group.id": prefix, "group.protocol": "consumer",
        "auto.offset.reset": "earliest"})
    consumer.subscribe([f"^{prefix}.*"])
    wait_until(lambda: consumer.poll(0.1) is None and len(consumer.assignment()) == 2, 40, "the first topic")
    second = create_topic(quick_broker, prefix + "b", partitions=3)
    wait_until(lambda: consumer.poll(0.1) is None and len(consumer.assignment()) == 5, 40, "the second topic")
    assert {p.topic for p in consumer.assignment()} == {first, second}
    consumer.close()


def test_patterns_are_those_of_re2(quick_broker):
    prefix = f"re2-{uuid.uuid4().hex[:6]}-"
    topics = [create_topic(quick_broker, prefix + name) for name in ("pay", "pay.v1", "Pay", "payments")]
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": quick_broker.address, "group.id": prefix, "group.protocol": "consumer"})
    # As far as librdkafka, which looks at it first with the C library's eyes, lets it through.
    consumer.subscribe([f"^{prefix}[[:lower:]]{{3}}\\b.*"])
    names = lambda: consumer.poll(0.1) is None and {p.topic for p in consumer.assignment()}
    wait_until(lambda: names() == set(topics[:2]), 40, "topics that fit")
    admin = AdminClient({"bootstrap.servers": quick_broker.address})
    admin.delete_topics(topics[:1])[topics[0]].result(20)
    wait_until(lambda: names() == {topics[1]}, 40, "the topic that is left")
    consumer.close()
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": quick_broker.address, "group.id": prefix + "bad", "group.protocol": "consumer"})
    consumer.subscribe(["^a**"])
    refusal = wait_until(lambda: consumer.poll(0.2), 40, "a refusal").error()
    assert "regular expression is not valid" in refusal.str(), refusal
    consumer.close()


def test_administrators_set_times_of_a_group(quick_broker):
    group = f"times-{uuid.uuid4().hex[:6]}"
    admin = kafka.KafkaAdminClient(bootstrap_servers=quick_broker.address)
    resource = lambda configs=None: kafka.admin.ConfigResource(kafka.admin.ConfigResourceType.GROUP, group, configs)
    admin.alter_configs([resource({"consumer.session.timeout.ms": "7000"})])
    described = admin.describe_configs([resource()])
    assert "consumer.session.timeout.ms" in str(described) and "7000" in str(described), described
    with pytest.raises(Exception, match="group.consumer.max.heartbeat.interval.ms"):
        refused = admin.alter_configs([resource({"consumer.heartbeat.interval.ms": "15001"})])
        raise Exception(str(refused))
    admin.close()


def test_offsets_and_members_of_the_new_protocol_survive_a_kill(new_broker):
    broker = new_broker(**QUICK)
    topic = create_topic(broker, partitions=PARTITIONS)
    produce(broker, topic, 600)
    group = "new-survivors"
    members = [ConfluentMember(broker, group, topic, **{"group.protocol": "consumer"}) for _ in range(2)]
    wait_until(lambda: len(handled(members)) == 600 and is_shared(members), 40)
    wait_until(lambda: committed(broker, group, topic) == [100] * PARTITIONS, 60, "all commits")
    broker.kill()
    broker.start()
    produce(broker, topic, 300, start=600)
    wait_until(lambda: len(handled(members)) == 900, 60, "all records after a kill")
    wait_until(lambda: committed(broker, group, topic) == [150] * PARTITIONS, 60, "all commits")
    assert describe(broker, group).type.name == "CONSUMER"
    for member in members:
        member.stop()


NEW = {"group.protocol": "consumer"}
CLASSIC_KINDS = ["confluent-range", "confluent-cooperative", "python-range", "aiokafka-range"]


@pytest.mark.parametrize("kind", CLASSIC_KINDS)
def test_a_group_changes_its_protocol_and_back_while_members_are_there(quick_broker, kind):
    make, settings = KINDS[kind]
    group = f"change-{kind}-{uuid.uuid4().hex[:6]}"
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    everybody = [make(quick_broker, group, topic, **settings) for _ in range(2)]
    old = list(everybody)
    wait_until_settled(quick_broker, group, old, "a balanced classic group")
    produce(quick_broker, topic, 300)
    wait_until(lambda: committed(quick_broker, group, topic) == [50] * PARTITIONS, 60, "all commits")

    new = [ConfluentMember(quick_broker, group, topic, **NEW)]
    everybody += new
    wait_until_settled(quick_broker, group, old + new, "a balanced group of both protocols")
    assert describe(quick_broker, group).type.name == "CONSUMER"
    produce(quick_broker, topic, 300, start=300)
    wait_until(lambda: committed(quick_broker, group, topic) == [100] * PARTITIONS, 60, "all commits")

    new.pop().stop()
    wait_until_settled(quick_broker, group, old, "a balanced classic group again")
    wait_until(lambda: describe(quick_broker, group).type.name == "CLASSIC", 20)
    produce(quick_broker, topic, 300, start=600)
    wait_until(lambda: committed(quick_broker, group, topic) == [150] * PARTITIONS, 60, "all commits")
    # Nobody was reading when partitions moved, so nothing is handled twice.
    assert set(handled(everybody).values()) == {1} and len(handled(everybody)) == 900
    for member in old:
        member.stop()
    in_order(everybody)


def test_all_members_of_a_group_move_to_the_new_protocol_one_by_one(quick_broker):
    group = f"roll-{uuid.uuid4().hex[:6]}"
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    members = [ConfluentMember(quick_broker, group, topic) for _ in range(3)]
    everybody = list(members)
    wait_until_settled(quick_broker, group, members, "a balanced classic group")
    for number in range(3):
        produce(quick_broker, topic, 120, start=number * 120)
        wait_until(
            lambda: committed(quick_broker, group, topic) == [20 * (number + 1)] * PARTITIONS, 60, "all commits")
        members.pop(0).stop()
        members.append(ConfluentMember(quick_broker, group, topic, **NEW))
        everybody.append(members[-1])
        wait_until_settled(quick_broker, group, members, f"a balanced group with {number + 1} new members")
    assert set(handled(everybody).values()) == {1} and len(handled(everybody)) == 360
    for member in members:
        member.stop()


def set_session(broker, group, milliseconds):
    """How long members of the group may be silent, from the next heartbeat of each."""
    admin = kafka.KafkaAdminClient(bootstrap_servers=broker.address)
    admin.alter_configs([kafka.admin.ConfigResource(
        kafka.admin.ConfigResourceType.GROUP, group, {"consumer.session.timeout.ms": str(milliseconds)})])
    admin.close()


def test_static_members_of_the_new_protocol_come_back_to_what_they_had(quick_broker):
    group = f"new-static-{uuid.uuid4().hex[:6]}"
    # Longer than one is away, however busy the machine is.
    set_session(quick_broker, group, 30_000)
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    members = [ConfluentMember(quick_broker, group, topic, **NEW, **{"group.instance.id": f"i{n}"}) for n in range(2)]
    wait_until_settled(quick_broker, group, members)
    had = set(members[0].assigned)
    members[0].stop()
    # For as long as the session of the one that is away has not ended.
    for _ in range(30):
        assigned = set(members[1].assigned)
        if len(describe(quick_broker, group).members) < 2:
            break
        assert assigned.isdisjoint(had), "what a static member had was given away"
    members[0] = ConfluentMember(quick_broker, group, topic, **NEW, **{"group.instance.id": "i0"})
    wait_until(lambda: members[0].assigned == had, 20, "the old assignment")
    # Who does not come back in time loses it. The time is shorter from its next heartbeat: with one it gives something up.
    set_session(quick_broker, group, 3000)
    members.append(ConfluentMember(quick_broker, group, topic, **NEW))
    wait_until_settled(quick_broker, group, members)
    members.pop(0).stop()
    wait_until(lambda: is_shared(members), 60, "all partitions")
    for member in members:
        member.stop()


def test_members_of_the_new_protocol_come_and_go_at_random(quick_broker):
    """Each record is handled, and twice only if its member was killed in between."""
    group = f"churn-{uuid.uuid4().hex[:6]}"
    topic = create_topic(quick_broker, partitions=PARTITIONS)
    members = [ConfluentMember(quick_broker, group, topic, **NEW) for _ in range(2)]
    everybody = list(members)
    wait_until_settled(quick_broker, group, members)
    for turn in range(4):
        produce(quick_broker, topic, 300, start=turn * 300)
        members.append(ConfluentMember(quick_broker, group, topic, **NEW))
        everybody.append(members[-1])
        if turn % 2:
            members.pop(0).stop()
        wait_until_settled(quick_broker, group, members)
    wait_until(lambda: committed(quick_broker, group, topic) == [200] * PARTITIONS, 60, "all commits")
    assert len(handled(everybody)) == 1200
    for member in members:
        member.stop()
    in_order(everybody)


def test_offsets_of_a_topic_do_not_outlive_it_when_it_is_made_anew_at_once(broker):
    """Both requests at a time, on two connections: the deletion and the creation may come in one change of the cluster."""
    name = create_topic(broker)
    admins = [AdminClient({"bootstrap.servers": broker.address}) for _ in range(2)]
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": f"group of {name}"})
    place = TopicPartition(name, 0)
    once_loaded(lambda: consumer.committed([place], 20))
    for _ in range(20):
        consumer.commit(offsets=[TopicPartition(name, 0, 7)], asynchronous=False)
        deleted = admins[0].delete_topics([name])[name]
        while True:
            try:
                admins[1].create_topics([confluent_kafka.admin.NewTopic(name, 1)])[name].result(20)
                break
            except confluent_kafka.KafkaException as error:
                assert error.args[0].code() == confluent_kafka.KafkaError.TOPIC_ALREADY_EXISTS, error
        deleted.result(20)
        wait_until(lambda: consumer.committed([place], 20)[0].offset < 0, what="the end of the old offset")
    consumer.close()
