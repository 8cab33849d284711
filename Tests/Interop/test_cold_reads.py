"""Records that are no longer in memory: read from the disk by threads of their own, and the same to every client."""

import os

import pytest

from clients import CLIENTS, Confluent
from records import Record

name = lambda client: client.name


def drop_from_memory(broker):
    """Has the kernel forget the contents of all files of the broker. The broker was stopped: nothing is unwritten."""
    for path in (broker.data / "data").glob("*/*"):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


@pytest.mark.parametrize("client", CLIENTS, ids=name)
def test_records_that_are_on_disk_only_are_read_whole(new_broker, client):
    from conftest import create_topic
    broker = new_broker()
    topic = create_topic(broker, segment_bytes=4_000_000)
    records = [Record(b"%08d" % i + os.urandom(9_000)) for i in range(2_000)]
    Confluent.produce(broker, topic, records)
    broker.stop()
    drop_from_memory(broker)
    broker.start()
    got = client.consume(broker, topic, len(records))
    assert [one.record.value for one in got] == [one.value for one in records]
