"""Partitions that become part of a transaction by being written to, as clients of Kafka 4.0 do it (KIP-890)."""

import struct

import confluent_kafka
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient

import wire
from broker import wait_until
from test_transactions import read
from wire import compact, compact_string, string

OUT_OF_ORDER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, INVALID_PRODUCER_ID_MAPPING = 45, 47, 48, 49
CONCURRENT_TRANSACTIONS = 51


class Client:
    """One transactional producer, by hand."""

    def __init__(self, broker, transactional_id):
        self.broker, self.id = broker, transactional_id
        self.socket = wire.Socket(broker)
        find = wire.request(10, 1, string(transactional_id) + b"\1")
        wait_until(lambda: struct.unpack_from(">h", self.ask(find), 8)[0] == 0)
        self.who = self.begin()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.__exit__()

    def ask(self, request):
        answer = self.socket.ask(request)
        assert answer is not None, "the broker has hung up"
        return answer

    def begin(self):
        """Producer id and epoch."""
        begin = wire.request(22, 1, string(self.id) + struct.pack(">i", 60_000))
        answer = wait_until(lambda: (a := self.ask(begin)) and struct.unpack_from(">h", a, 8)[0] == 0 and a)
        return struct.unpack_from(">qh", answer, 10)

    def frame(self, topic, value, sequence, who=None, version=12):
        """A request with one record of the transaction."""
        producer, epoch = who or self.who
        records = wire.batch(wire.record(value), attributes=0x10, producer_id=producer, epoch=epoch, sequence=sequence)
        body = compact_string(self.id) + struct.pack(">hi", -1, 10_000) + compact(1) + compact_string(topic)
        body += compact(1) + struct.pack(">i", 0) + compact(len(records)) + records + b"\0\0\0"
        return wire.request(wire.PRODUCE, version, body, flexible=True)

    @staticmethod
    def produced(answer):
        """The error and the offset."""
        return struct.unpack_from(">hq", answer, 6 + answer[6] + 5)

    def write(self, *arguments, **options):
        """The same for one record; asks again while the transaction before is not quite over."""
        once = lambda: self.produced(self.ask(self.frame(*arguments, **options)))
        return wait_until(lambda: (a := once())[0] != CONCURRENT_TRANSACTIONS and a)

    def end(self, commit=True, who=None):
        """The error; the client goes on as it is told."""
        body = compact_string(self.id) + struct.pack(">qh?", *(who or self.who), commit) + b"\0"
        error, *who = struct.unpack_from(">hqh", self.ask(wire.request(26, 5, body, flexible=True)), 9)
        if error == 0:
            self.who = tuple(who)
        return error


@pytest.fixture
def client(broker, topic):
    with Client(broker, f"{topic}-id") as client:
        yield client


def test_clients_are_told_that_writing_adds_partitions(broker):
    name = compact_string("transaction.version")
    with wire.Socket(broker) as socket:
        for version in (3, 4):
            body = compact_string("test") + compact_string("1") + b"\0"
            answer = socket.ask(wire.request(wire.API_VERSIONS, version, body, flexible=True))
            assert name + struct.pack(">hh", 2, 2) in answer
            # Readers of version 3 refuse what begins at level 0.
            assert (name + struct.pack(">hh", 0, 2) in answer) == (version == 4)


def test_a_transaction_needs_no_word_but_its_records_and_its_end(broker, topic, client):
    committed, offset = [], 0
    for round in range(5):
        values = [b"%d-%d" % (round, index) for index in range(3)]
        for sequence, value in enumerate(values):
            assert client.write(topic, value, sequence) == (0, offset)
            offset += 1
        before = client.who
        assert client.end(commit=round % 2 == 0) == 0
        assert client.who == (before[0], before[1] + 1)
        offset += 1
        committed += values if round % 2 == 0 else []
    assert wait_until(lambda: read(broker, topic, "read_committed") == sorted(committed))


def test_what_is_late_from_one_transaction_is_no_part_of_the_next(broker, topic, client):
    first = client.who
    assert client.write(topic, b"one", 0) == (0, 0)
    # Sent a second time while the transaction is open it is the same record.
    assert client.write(topic, b"one", 0) == (0, 0)
    assert client.end() == 0
    assert wait_until(lambda: read(broker, topic, "read_committed") == [b"one"])
    for sequence in (0, 1):
        assert client.write(topic, b"late", sequence, who=first)[0] == INVALID_PRODUCER_EPOCH
    assert client.write(topic, b"two", 0)[0] == 0
    assert client.write(topic, b"late", 1, who=first)[0] == INVALID_PRODUCER_EPOCH
    assert client.end() == 0
    assert wait_until(lambda: read(broker, topic, "read_uncommitted") == [b"one", b"two"])


def test_who_is_not_the_producer_of_an_id_adds_nothing(broker, topic, client):
    producer, epoch = client.who
    assert client.write(topic, b"x", 0, who=(producer, epoch + 1))[0] == INVALID_PRODUCER_EPOCH
    assert client.write(topic, b"x", 0, who=(producer + 1000, 0))[0] == INVALID_PRODUCER_ID_MAPPING
    # Coordinators' topics are nobody's to write to.
    assert client.write("__transaction_state", b"x", 0)[0] not in (0, INVALID_PRODUCER_EPOCH)
    successor = client.begin()
    assert client.write(topic, b"zombie", 0)[0] == INVALID_PRODUCER_EPOCH
    assert client.write(topic, b"successor", 0, who=successor)[0] == 0
    assert client.end(who=successor) == 0
    assert wait_until(lambda: read(broker, topic, "read_committed") == [b"successor"])
    assert read(broker, topic, "read_uncommitted") == [b"successor"]


def test_the_first_batch_of_a_transaction_comes_first(topic, client):
    assert client.write(topic, b"second", 1)[0] == OUT_OF_ORDER
    assert client.write(topic, b"first", 0) == (0, 0)
    assert client.write(topic, b"second", 1) == (0, 1)
    assert client.end() == 0


def test_many_batches_at_once_keep_their_order_from_one_transaction_to_the_next(broker, topic, client):
    expected, count = [], 20
    for round in range(10):
        values = [b"%02d-%02d" % (round, index) for index in range(count)]
        left = list(enumerate(values))
        while left:
            # All are on their way before the first is answered, and the markers of the last transaction may be, too.
            client.socket.send(b"".join(client.frame(topic, value, sequence) for sequence, value in left))
            errors = [client.produced(client.socket.answer())[0] for _ in left]
            taken = next((index for index, error in enumerate(errors) if error), len(errors))
            assert set(errors[taken:]) <= {CONCURRENT_TRANSACTIONS, OUT_OF_ORDER}
            left = left[taken:]
        assert client.end() == 0
        expected += values
    assert wait_until(lambda: read(broker, topic, "read_committed") == expected)


def test_a_transaction_without_records_cannot_be_committed_and_can_be_aborted(client):
    assert client.end() == INVALID_TXN_STATE
    before = client.who
    assert client.end(commit=False) == 0
    assert client.who == (before[0], before[1] + 1)
    # That the one before has not quite ended is no reason to give a producer up.
    assert wait_until(lambda: client.end(commit=False) == 0)


def test_positions_of_a_group_need_no_word_before_them(broker, topic, client):
    group = f"{topic}-group"
    find = wire.request(10, 1, string(group) + b"\0")
    wait_until(lambda: struct.unpack_from(">h", client.ask(find), 8)[0] == 0)

    def commit(offset, who=None):
        body = compact_string(client.id) + compact_string(group) + struct.pack(">qhi", *(who or client.who), -1)
        body += compact_string("") + b"\0" + compact(1) + compact_string(topic)
        body += compact(1) + struct.pack(">iqi", 0, offset, -1) + b"\0" + b"\0\0\0"
        answer = client.ask(wire.request(28, 5, body, flexible=True))
        # Behind the error are three empty sections of tags.
        return struct.unpack(">h", answer[-5:-3])[0]

    admin = AdminClient({"bootstrap.servers": broker.address})

    def position():
        asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
        found = asked[group].result(20).topic_partitions
        return found[0].offset if found and found[0].error is None else None

    loading = (14, 15, 16)
    assert wait_until(lambda: (error := commit(41)) not in loading and error == 0)
    assert commit(42) == 0
    first = client.who
    assert client.end() == 0
    assert wait_until(lambda: position() == 42)
    assert wait_until(lambda: commit(43) == 0)
    assert commit(99, who=first) == INVALID_PRODUCER_EPOCH
    assert client.end(commit=False) == 0
    assert wait_until(lambda: commit(50) == 0)
    assert client.end() == 0
    assert wait_until(lambda: position() == 50)


def test_what_was_added_by_writing_outlives_a_kill(new_broker):
    broker = new_broker()
    plain = confluent_kafka.Producer({"bootstrap.servers": broker.address})
    plain.produce("kept", b"plain", partition=0)
    assert plain.flush(30) == 0
    with Client(broker, "id") as client:
        assert client.write("kept", b"open", 0)[0] == 0
        who = client.who
    broker.kill()
    broker.start()
    with wire.Socket(broker) as socket:
        client.socket = socket
        assert wait_until(lambda: client.write("kept", b"more", 1, who=who)[0] == 0)
        assert wait_until(lambda: client.end() == 0)
    assert wait_until(lambda: read(broker, "kept", "read_committed") == [b"more", b"open", b"plain"])
