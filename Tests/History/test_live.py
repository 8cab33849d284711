"""A short run against a real broker that is killed. `make history` has the long ones."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Interop"))
from broker import BIN, Broker  # noqa: E402
from checks import check  # noqa: E402
from workload import SETTINGS, OwnBroker, Workload  # noqa: E402

SECONDS = 20


def test_what_clients_see_of_a_broker_that_is_killed_is_what_a_log_with_transactions_can_show():
    broker = Broker(**SETTINGS)
    try:
        workload = Workload(OwnBroker(broker), seed=1, tools=BIN)
        events = workload.run(SECONDS, kills=3)
    finally:
        broker.close()
    assert check(events) == []
    # It has been put to the test.
    ended = [event["outcome"] for event in events if event["type"] == "ended"]
    assert workload.kills >= 3
    assert ended.count("committed") >= 10 and ended.count("aborted") >= 1
    assert sum(event["type"] == "committed" for event in events) >= 5
