"""Members with a sink whose broker is away when they have to know where to begin: they wait for it."""

import subprocess

import pytest

from broker import wait_until
from conftest import create_topic
from request_recorder import Recorder
from test_sink import committed, copied, fill, hold, start

OFFSET_FETCH = 9


class Killer(Recorder):
    """Kills the broker when it is asked for stored offsets, before it hears of that."""
    broker = None

    def keep(self, data):
        rest = super().keep(data)
        if self.broker and any(api == OFFSET_FETCH for api, *_ in self.requests()):
            self.broker.kill()
            self.broker = None
        return rest


def test_a_member_whose_broker_goes_when_it_is_asked_where_to_begin_waits_for_it(new_broker, tmp_path):
    with Killer() as killer:
        broker = new_broker(group_initial_rebalance_delay_ms=0, advertised_listeners=f"PLAINTEXT://{killer.address}")
        killer.broker = broker
        killer.forward(broker.port)
        topic = create_topic(broker, "gone")
        lines = fill(broker, topic, 1, 20)
        process = start(broker, topic, tmp_path / "copy", "-g", "gone")
        try:
            wait_until(lambda: not broker.is_running(), 30, "the request for offsets")
            # Longer than those who ask try again.
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(6)
            broker.start()
            wait_until(lambda: copied([tmp_path / "copy" / f"{topic}-0"]) == 20, 60, "all of it")
        finally:
            process.terminate()
            status = process.wait(20)
        assert status == 143, process.stderr.read()
    assert committed(tmp_path / "copy" / f"{topic}-0") == lines[0]


def test_a_member_that_waits_for_a_transaction_waits_for_its_broker_too(new_broker, tmp_path):
    broker, sink = new_broker(group_initial_rebalance_delay_ms=0), tmp_path / "copy"
    topic = create_topic(broker, "away", partitions=2)
    lines = fill(broker, topic, 2, 20)
    producer = hold(broker, topic, "away")
    process = start(broker, topic, sink, "-g", "away", "-X", "default.api.timeout.ms=4000")
    try:
        # Only the other one waits.
        wait_until(lambda: copied([sink / "away-1"]) == 10, 20, "what no transaction holds")
        assert not (sink / "away-0" / "position").exists()
        broker.kill()
        # Longer than a retry takes that finds nobody.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(8)
        broker.start()
        producer.commit_transaction(60)
        wait_until(lambda: copied([sink / "away-0"]) == 10, 40, "the rest")
    finally:
        process.terminate()
        status = process.wait(20)
    assert status == 143, process.stderr.read()
    assert [committed(sink / f"away-{p}") for p in range(2)] == [lines[0][5:], lines[1]]
