"""Fixtures: one broker for the whole run, fresh topics for each test, brokers of their own for tests that need one."""

import itertools
import os

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from broker import BIN, Broker

numbers = itertools.count()
# Groups that need not wait long for one another.
QUICK = {"group_initial_rebalance_delay_ms": "0", "group_consumer_heartbeat_interval_ms": "300",
         "group_consumer_min_heartbeat_interval_ms": "100", "group_consumer_session_timeout_ms": "6000",
         "group_consumer_min_session_timeout_ms": "1000"}


def pytest_report_header(config):
    return f"executables: {BIN}"


@pytest.fixture(scope="session")
def broker():
    running = Broker()
    yield running
    running.close()


@pytest.fixture(scope="module")
def quick_broker():
    """A broker for the groups of one file."""
    running = Broker(**QUICK)
    yield running
    running.close()


@pytest.fixture
def new_broker():
    """Starts brokers that end with the test; their settings are keyword arguments."""
    running = []

    def start(**overrides):
        running.append(Broker(**overrides))
        return running[-1]

    yield start
    for one in running:
        one.close()


def create_topic(broker, name=None, partitions=1, **config):
    name = name or f"topic-{os.getpid()}-{next(numbers)}"
    admin = AdminClient({"bootstrap.servers": broker.address})
    new = NewTopic(name, partitions, 1, config={key.replace("_", "."): str(value) for key, value in config.items()})
    admin.create_topics([new])[name].result(20)
    return name


@pytest.fixture
def topic(broker):
    return create_topic(broker)


@pytest.fixture
def new_topic(broker):
    return lambda **config: create_topic(broker, **config)
