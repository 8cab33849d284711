"""Transactions with other people's clients: commit, abort, timeout, fencing, offsets, and who sees what."""

import asyncio
import struct
import time

import confluent_kafka
import kafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as AiokafkaPartition
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from kafka.admin import AbortTransactionSpec

import wire
from broker import wait_until
from conftest import create_topic
from wire import string

TIMEOUT = 30
INVALID_PRODUCER_EPOCH, PRODUCER_FENCED = 47, 90


def producer(broker, transactional_id, **settings):
    made = confluent_kafka.Producer(
        {"bootstrap.servers": broker.address, "transactional.id": transactional_id, "linger.ms": 5, **settings})
    made.init_transactions(TIMEOUT)
    return made


def write(made, topic, values, partitions=1):
    for index, value in enumerate(values):
        made.produce(topic, value, partition=index % partitions)


def read(broker, topic, isolation, partitions=1):
    """Everything up to the end that this isolation level is told."""
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": broker.address, "group.id": "none", "enable.auto.commit": False,
         "isolation.level": isolation, "enable.partition.eof": True, "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(topic, index, confluent_kafka.OFFSET_BEGINNING) for index in range(partitions)])
    values, at_end, deadline = [], set(), time.monotonic() + TIMEOUT
    while len(at_end) < partitions:
        assert time.monotonic() < deadline, f"no end of {topic}; read {values}"
        message = consumer.poll(0.5)
        if message is None:
            continue
        if message.error():
            assert message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF, message.error()
            at_end.add(message.partition())
        else:
            values.append(message.value())
    consumer.close()
    return sorted(values)


def becomes(broker, topic, expected, partitions=1):
    """Whether read_committed comes to see this: a commit is answered before its markers are written."""
    return wait_until(lambda: read(broker, topic, "read_committed", partitions) == sorted(expected))


def numbers(prefix, count):
    return [f"{prefix}-{index:03}".encode() for index in range(count)]


def test_committed_records_are_seen_and_aborted_ones_only_by_who_asks_for_all(broker, new_topic):
    topic = new_topic(partitions=2)
    mine = producer(broker, f"{topic}-id")
    expected = []
    for round in range(6):
        values = numbers(f"round{round}", 20)
        mine.begin_transaction()
        write(mine, topic, values, partitions=2)
        if round % 2 == 0:
            mine.commit_transaction(TIMEOUT)
            expected += values
        else:
            mine.flush(TIMEOUT)
            mine.abort_transaction(TIMEOUT)
    assert becomes(broker, topic, expected, 2)
    everything = [value for round in range(6) for value in numbers(f"round{round}", 20)]
    assert read(broker, topic, "read_uncommitted", 2) == sorted(everything)


def test_an_open_transaction_hides_what_comes_behind_it_until_it_ends(broker, new_topic):
    topic = new_topic()
    mine = producer(broker, f"{topic}-id")
    mine.begin_transaction()
    write(mine, topic, [b"open"])
    mine.flush(TIMEOUT)
    plain = confluent_kafka.Producer({"bootstrap.servers": broker.address})
    plain.produce(topic, b"behind", partition=0)
    assert plain.flush(TIMEOUT) == 0
    assert read(broker, topic, "read_committed") == []
    assert read(broker, topic, "read_uncommitted") == [b"behind", b"open"]
    mine.commit_transaction(TIMEOUT)
    assert wait_until(lambda: read(broker, topic, "read_committed") == [b"behind", b"open"])


def test_a_reader_that_waits_is_woken_by_the_commit(broker, new_topic):
    topic = new_topic()
    mine = producer(broker, f"{topic}-id")
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": broker.address, "group.id": "none", "isolation.level": "read_committed",
         "fetch.wait.max.ms": 50_000, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    mine.begin_transaction()
    write(mine, topic, [b"one"])
    mine.flush(TIMEOUT)
    assert consumer.poll(1.5) is None
    mine.commit_transaction(TIMEOUT)
    # Long before the fetch would end by itself.
    assert consumer.poll(25).value() == b"one"
    consumer.close()


def test_a_new_producer_fences_the_old_one_and_aborts_what_it_left(broker, new_topic):
    topic = new_topic()
    zombie = producer(broker, f"{topic}-id")
    zombie.begin_transaction()
    write(zombie, topic, [b"zombie"])
    zombie.flush(TIMEOUT)
    successor = producer(broker, f"{topic}-id")
    successor.begin_transaction()
    write(successor, topic, [b"successor"])
    successor.commit_transaction(TIMEOUT)
    with pytest.raises(KafkaException) as caught:
        zombie.commit_transaction(TIMEOUT)
    assert caught.value.args[0].fatal()
    assert becomes(broker, topic, [b"successor"])


def test_a_transaction_that_takes_too_long_is_aborted(new_broker):
    broker = new_broker(transaction_abort_timed_out_transaction_cleanup_interval_ms=200)
    topic = "slow"
    # Long enough for the record to be written in time, whatever else the machine does.
    mine = producer(broker, "slow-id", **{"transaction.timeout.ms": 5000})
    mine.begin_transaction()
    write(mine, topic, [b"late"])
    mine.flush(TIMEOUT)
    assert read(broker, topic, "read_uncommitted") == [b"late"]
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": "none"})
    ends = lambda: consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=TIMEOUT)[1]
    # The marker is behind the record.
    assert wait_until(lambda: ends() == 2, 30)
    with pytest.raises(KafkaException):
        mine.commit_transaction(TIMEOUT)
    assert read(broker, topic, "read_committed") == []
    consumer.close()


def test_transactions_outlive_a_broker_that_is_killed(new_broker):
    broker = new_broker()
    topic = "kept"
    done = producer(broker, "done")
    done.begin_transaction()
    write(done, topic, [b"committed"])
    done.commit_transaction(TIMEOUT)
    undone = producer(broker, "undone")
    undone.begin_transaction()
    write(undone, topic, [b"aborted"])
    undone.flush(TIMEOUT)
    undone.abort_transaction(TIMEOUT)
    # librdkafka's own recovery gives up the one broker there is, and may wait for that one for ever.
    left = producer(broker, "left", **{"metadata.recovery.strategy": "none", "transaction.timeout.ms": 300_000})
    left.begin_transaction()
    write(left, topic, [b"open"])
    left.flush(TIMEOUT)
    broker.kill()
    broker.start()
    assert becomes(broker, topic, [b"committed"])
    assert read(broker, topic, "read_uncommitted") == [b"aborted", b"committed", b"open"]
    left.commit_transaction(TIMEOUT)
    assert wait_until(lambda: read(broker, topic, "read_committed") == [b"committed", b"open"])


def test_input_offsets_and_output_are_kept_together(broker, new_topic):
    source, sink = new_topic(), new_topic()
    plain = confluent_kafka.Producer({"bootstrap.servers": broker.address})
    for value in numbers("in", 40):
        plain.produce(source, value, partition=0)
    assert plain.flush(TIMEOUT) == 0
    group = f"{source}-group"

    def process(count, commit):
        consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": broker.address, "group.id": group, "auto.offset.reset": "earliest",
             "enable.auto.commit": False, "isolation.level": "read_committed", "session.timeout.ms": 6000})
        consumer.subscribe([source])
        mine = producer(broker, f"{source}-id")
        seen, deadline = [], time.monotonic() + TIMEOUT
        mine.begin_transaction()
        while len(seen) < count:
            assert time.monotonic() < deadline
            message = consumer.poll(0.5)
            if message is None or message.error():
                continue
            seen.append(message.value())
            mine.produce(sink, message.value().replace(b"in", b"out"), partition=0)
        mine.send_offsets_to_transaction(
            consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), TIMEOUT)
        if commit:
            mine.commit_transaction(TIMEOUT)
        else:
            mine.flush(TIMEOUT)
            mine.abort_transaction(TIMEOUT)
        consumer.close()
        return seen

    assert process(10, commit=True) == numbers("in", 40)[:10]
    assert process(10, commit=False) == numbers("in", 40)[10:20]
    # What was aborted is read again.
    assert process(30, commit=True) == numbers("in", 40)[10:]
    assert becomes(broker, sink, numbers("out", 40))
    admin = AdminClient({"bootstrap.servers": broker.address})
    # The group's marker is another than the sink's.
    position = lambda: admin.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group)])[group].result(20).topic_partitions[0].offset
    assert wait_until(lambda: position() == 40)


def test_aiokafka_commits_aborts_and_reads_what_is_committed(broker, new_topic):
    topic = new_topic()

    async def run():
        mine = AIOKafkaProducer(bootstrap_servers=broker.address, transactional_id=f"{topic}-aio")
        await mine.start()
        try:
            async with mine.transaction():
                await mine.send_and_wait(topic, b"committed", partition=0)
            with pytest.raises(ValueError):
                async with mine.transaction():
                    await mine.send_and_wait(topic, b"aborted", partition=0)
                    raise ValueError
            async with mine.transaction():
                await mine.send_and_wait(topic, b"committed too", partition=0)
        finally:
            await mine.stop()
        seen = {}
        for level in ("read_committed", "read_uncommitted"):
            consumer = AIOKafkaConsumer(
                bootstrap_servers=broker.address, isolation_level=level, auto_offset_reset="earliest",
                enable_auto_commit=False)
            await consumer.start()
            try:
                place = AiokafkaPartition(topic, 0)
                consumer.assign([place])
                await consumer.seek_to_beginning(place)
                got, deadline = [], time.monotonic() + TIMEOUT
                wanted = 2 if level == "read_committed" else 3
                while len(got) < wanted and time.monotonic() < deadline:
                    for batch in (await consumer.getmany(timeout_ms=500)).values():
                        got += [one.value for one in batch]
                seen[level] = got
            finally:
                await consumer.stop()
        return seen

    seen = asyncio.run(run())
    assert seen["read_committed"] == [b"committed", b"committed too"]
    assert seen["read_uncommitted"] == [b"committed", b"aborted", b"committed too"]


def test_aiokafka_zombies_are_fenced(broker, new_topic):
    from aiokafka.errors import ProducerFenced

    topic = new_topic()

    async def run():
        make = lambda: AIOKafkaProducer(bootstrap_servers=broker.address, transactional_id=f"{topic}-zombie")
        zombie = make()
        await zombie.start()
        await zombie.begin_transaction()
        await zombie.send_and_wait(topic, b"zombie", partition=0)
        successor = make()
        await successor.start()
        async with successor.transaction():
            await successor.send_and_wait(topic, b"successor", partition=0)
        with pytest.raises(ProducerFenced):
            await zombie.commit_transaction()
        await successor.stop()
        await zombie.stop()

    asyncio.run(run())
    assert becomes(broker, topic, [b"successor"])


def test_a_late_end_of_an_earlier_transaction_does_not_touch_the_next(broker, topic):
    """With version 5 of EndTxn each transaction has an epoch of its own (KIP-890, KAFKA-17754)."""
    transactional_id = f"{topic}-id"
    with wire.Socket(broker) as socket:
        ask = socket.ask

        def add(who):
            body = string(transactional_id) + struct.pack(">qhi", *who, 1) + string(topic) + struct.pack(">ii", 1, 0)
            return struct.unpack(">h", ask(wire.request(24, 1, body))[-2:])[0]

        def end(who, commit):
            """The error, and what the producer is from now on."""
            name = bytes([len(transactional_id) + 1]) + transactional_id.encode()
            body = name + struct.pack(">qh?", *who, commit) + b"\0"
            error, *next = struct.unpack_from(">hqh", ask(wire.request(26, 5, body, flexible=True)), 9)
            return error, tuple(next)

        find = wire.request(10, 1, string(transactional_id) + b"\1")
        wait_until(lambda: struct.unpack_from(">h", ask(find), 8)[0] == 0)
        begin = wire.request(22, 1, string(transactional_id) + struct.pack(">i", 60_000))
        answer = wait_until(lambda: (a := ask(begin)) and struct.unpack_from(">h", a, 8)[0] == 0 and a)
        first = struct.unpack_from(">qh", answer, 10)
        assert add(first) == 0
        error, second = end(first, True)
        assert error == 0 and second == (first[0], first[1] + 1)
        # Who did not hear of it asks again and is told the same; while the markers are written, to ask again.
        assert wait_until(lambda: end(first, True) == (0, second))
        wait_until(lambda: add(second) == 0)
        for commit in (True, False):
            error, _ = end(first, commit)
            assert error in (INVALID_PRODUCER_EPOCH, PRODUCER_FENCED), error
        # It is open still, and ends as its own producer says.
        assert add(second) == 0
        assert end(second, True) == (0, (first[0], first[1] + 2))


def test_positions_are_taken_only_from_a_transaction_that_has_said_so(broker, topic):
    """What a late TxnOffsetCommit opened nobody would ever end (KIP-890)."""
    transactional_id, group = f"{topic}-id", f"{topic}-group"
    find = lambda key, kind: wire.request(10, 1, string(key) + bytes([kind]))
    begin = wire.request(22, 1, string(transactional_id) + struct.pack(">i", 60_000))
    with wire.Socket(broker) as socket:
        ask = socket.ask
        wait_until(lambda: struct.unpack_from(">h", ask(find(group, 0)), 8)[0] == 0)
        wait_until(lambda: struct.unpack_from(">h", ask(find(transactional_id, 1)), 8)[0] == 0)
        answer = wait_until(lambda: (a := ask(begin)) and struct.unpack_from(">h", a, 8)[0] == 0 and a)
        who = struct.unpack_from(">qh", answer, 10)
        place = struct.pack(">i", 1) + string(topic) + struct.pack(">iiqi", 1, 0, 42, -1) + string("")
        commit = wire.request(28, 2, string(transactional_id) + string(group) + struct.pack(">qh", *who) + place)
        end = wire.request(26, 1, string(transactional_id) + struct.pack(">qh", *who) + b"\1")
        code = lambda answer: struct.unpack(">h", answer[-2:])[0]
        invalid_state, loading = 48, (14, 15, 16)
        once_loaded = lambda: wait_until(lambda: (error := code(ask(commit))) not in loading and [error])[0]
        assert once_loaded() == invalid_state
        add = wire.request(25, 1, string(transactional_id) + struct.pack(">qh", *who) + string(group))
        assert code(ask(add)) == 0
        assert once_loaded() == 0
        assert code(ask(end)) == 0
        # The transaction is over: what comes now is late. While it ends the client is told to ask again.
        assert wait_until(lambda: code(ask(commit)) == invalid_state)
    admin = AdminClient({"bootstrap.servers": broker.address})
    position = lambda: admin.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group)])[group].result(20).topic_partitions
    assert wait_until(position)[0].offset == 42


def test_a_commit_that_a_partition_refuses_is_not_told_as_complete(broker, topic):
    """A marker of a later coordinator, or of one that says so, keeps out those of the real one (KIP-98)."""
    transactional_id, fenced = f"{topic}-id", 52
    mine = producer(broker, transactional_id)
    with wire.Socket(broker) as socket:

        def describe():
            """State, producer id and epoch, as DescribeTransactions has them."""
            name = bytes([len(transactional_id) + 1]) + transactional_id.encode()
            answer = socket.ask(wire.request(65, 0, b"\2" + name + b"\0", flexible=True))
            at = 12 + answer[12]
            state = answer[at + 1:at + answer[at]].decode()
            return state, *struct.unpack_from(">qh", answer, at + answer[at] + 12)

        def mark(who, coordinator_epoch, commit):
            body = struct.pack(">iqh?i", 1, *who, commit, 1) + string(topic) + struct.pack(">iii", 1, 0, coordinator_epoch)
            return struct.unpack(">h", socket.ask(wire.request(27, 0, body))[-2:])[0]

        mine.begin_transaction()
        write(mine, topic, [b"ended by somebody"])
        mine.flush(TIMEOUT)
        state, *who = describe()
        assert state == "Ongoing"
        assert mark(who, (1 << 31) - 1, commit=False) == 0
        mine.commit_transaction(TIMEOUT)
        assert wait_until(lambda: describe()[0] == "CompleteCommit")
        mine.begin_transaction()
        write(mine, topic, [b"hangs"])
        mine.flush(TIMEOUT)
        mine.commit_transaction(TIMEOUT)
        # No coordinator's marker is taken any more, so nobody is told that the transaction is over.
        assert mark(who, 0, commit=True) == fenced
        assert read(broker, topic, "read_committed") == []
        assert describe()[0] == "PrepareCommit"
        # Somebody ends it there, and the coordinator finds out.
        assert mark(who, (1 << 31) - 1, commit=True) == 0
        assert wait_until(lambda: describe()[0] == "CompleteCommit", 30)
        assert read(broker, topic, "read_committed") == [b"hangs"]


@pytest.mark.parametrize("verifies", ["true", "false"])
def test_positions_in_a_transaction_of_nobody_are_refused(new_broker, verifies):
    broker = new_broker(transaction_partition_verification_enable=verifies)
    group, topic = "ours", create_topic(broker)
    place = struct.pack(">i", 1) + string(topic) + struct.pack(">iiqi", 1, 0, 42, -1) + string("")
    with wire.Socket(broker) as socket:
        find = wire.request(10, 1, string(group) + b"\0")
        wait_until(lambda: struct.unpack_from(">h", socket.ask(find), 8)[0] == 0)
        for who, code in [((-1, -1), 49), ((-5, 0), 49), ((5, -1), INVALID_PRODUCER_EPOCH)]:
            answer = socket.ask(wire.request(28, 2, string("mine") + string(group) + struct.pack(">qh", *who) + place))
            assert struct.unpack(">h", answer[-2:])[0] == code, who
    admin = AdminClient({"bootstrap.servers": broker.address})
    assert admin.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group)], require_stable=True)[group].result(20).topic_partitions == []


def test_kafka_python_ends_a_transaction_that_hangs(broker, topic):
    mine = producer(broker, f"{topic}-id")
    mine.begin_transaction()
    write(mine, topic, [b"hangs"])
    mine.flush(TIMEOUT)
    admin = kafka.admin.KafkaAdminClient(bootstrap_servers=broker.address)
    place = kafka.TopicPartition(topic, 0)
    found = admin.describe_producers([place])[place].active_producers[0]
    # Without the epoch of a coordinator, of which no marker tells.
    admin.abort_transaction(AbortTransactionSpec(place, found.producer_id, found.producer_epoch))
    assert admin.describe_producers([place])[place].active_producers[0].current_transaction_start_offset == -1
    admin.close()
    assert read(broker, topic, "read_committed") == []
    assert read(broker, topic, "read_uncommitted") == [b"hangs"]
