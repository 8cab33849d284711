"""What ends a transaction of aiokafka besides its own commit and abort, and the positions of a group that go with it."""

import asyncio

import confluent_kafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import ProducerFenced
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from broker import wait_until
from conftest import create_topic
from test_transactions import TIMEOUT, becomes, numbers, read


def test_a_transaction_that_takes_too_long_is_aborted(new_broker):
    broker = new_broker(transaction_abort_timed_out_transaction_cleanup_interval_ms=200)
    topic = "slow"
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": "none"})

    def is_ended():
        """The marker is behind the record."""
        return consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=TIMEOUT)[1] == 2

    async def run():
        # Long enough for the record to be written in time, whatever else the machine does.
        mine = AIOKafkaProducer(
            bootstrap_servers=broker.address, transactional_id="slow-id", transaction_timeout_ms=5000)
        await mine.start()
        await mine.begin_transaction()
        await mine.send_and_wait(topic, b"late", partition=0)
        assert await asyncio.to_thread(read, broker, topic, "read_uncommitted") == [b"late"]
        await asyncio.to_thread(wait_until, is_ended, 30, "the end of the transaction")
        with pytest.raises(ProducerFenced):
            await mine.commit_transaction()
        await mine.stop()

    asyncio.run(run())
    consumer.close()
    assert read(broker, topic, "read_committed") == []
    assert read(broker, topic, "read_uncommitted") == [b"late"]


def test_input_offsets_and_output_are_kept_together(quick_broker):
    broker = quick_broker
    source, sink = create_topic(broker), create_topic(broker)
    group = f"{source}-group"
    plain = confluent_kafka.Producer({"bootstrap.servers": broker.address})
    for value in numbers("in", 40):
        plain.produce(source, value, partition=0)
    assert plain.flush(TIMEOUT) == 0
    admin = AdminClient({"bootstrap.servers": broker.address})
    positions = lambda: [place.offset for place in admin.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group)])[group].result(20).topic_partitions]

    async def process(count, commit):
        """Reads as many records, and writes each of them in one transaction with the positions behind them."""
        consumer = AIOKafkaConsumer(
            source, bootstrap_servers=broker.address, group_id=group, auto_offset_reset="earliest",
            enable_auto_commit=False, isolation_level="read_committed")
        await consumer.start()
        mine = AIOKafkaProducer(bootstrap_servers=broker.address, transactional_id=f"{source}-id")
        await mine.start()
        seen, sent, behind = [], [], {}
        await mine.begin_transaction()
        while len(seen) < count:
            for place, batch in (await consumer.getmany(timeout_ms=500, max_records=count - len(seen))).items():
                for one in batch:
                    seen.append(one.value)
                    sent.append(await mine.send(sink, one.value.replace(b"in", b"out"), partition=0))
                    behind[place] = one.offset + 1
        await asyncio.gather(*sent)
        await mine.send_offsets_to_transaction(behind, group)
        await (mine.commit_transaction() if commit else mine.abort_transaction())
        await mine.stop()
        await consumer.stop()
        return seen

    once = lambda count, commit: asyncio.run(asyncio.wait_for(process(count, commit), 60))
    assert once(10, commit=True) == numbers("in", 40)[:10]
    # The group's marker is another than the sink's, and aiokafka does not ask for positions that are stable.
    assert wait_until(lambda: positions() == [10])
    assert once(10, commit=False) == numbers("in", 40)[10:20]
    # What was aborted is read again.
    assert once(30, commit=True) == numbers("in", 40)[10:]
    assert becomes(broker, sink, numbers("out", 40))
    assert read(broker, sink, "read_uncommitted") == sorted(numbers("out", 40) + numbers("out", 40)[10:20])
    assert wait_until(lambda: positions() == [40])
