#!/usr/bin/env python3
"""words ADDRESS STATE: counts words with quixstreams, exactly once. Lines come from the topic `lines`; for each word
its count so far goes to `counts`. Words are sent on by themselves (a repartition topic), and what was counted is kept in a
store with a changelog topic."""

import sys

from quixstreams import Application
from quixstreams.models import TopicConfig

address, state = sys.argv[1:]
# A producer that was killed holds readers back until its transaction is given up, and a member that was, its group; but
# neither is to be given up where the machine stands still for two seconds.
producer = {"transaction.timeout.ms": 5000, "socket.timeout.ms": 5000}
# librdkafka's own recovery gives up the one broker there is, and then waits for that one for ever.
client = {"metadata.recovery.strategy": "none", "reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 100}
app = Application(
    broker_address=address, consumer_group="words", processing_guarantee="exactly-once", auto_offset_reset="earliest",
    commit_interval=0.1, state_dir=state, loglevel="INFO",
    consumer_extra_config={"session.timeout.ms": 5000, "heartbeat.interval.ms": 500, **client},
    producer_extra_config={**producer, **client})


def count(_, state):
    done = state.get("count", 0) + 1
    state.set("count", done)
    return done


two = TopicConfig(num_partitions=2, replication_factor=1)
lines = app.topic("lines", value_deserializer="string", config=two)
counts = app.topic("counts", value_serializer="string", config=two)
words = app.dataframe(lines).apply(str.split, expand=True).group_by(
    lambda word: word, name="word", value_deserializer="string", value_serializer="string", key_serializer="string",
    key_deserializer="string")
words.apply(count, stateful=True).apply(str).to_topic(counts)
app.run()
