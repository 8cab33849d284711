"""What kconsume -g stores as the group's position, and what not."""

import pytest

from conftest import create_topic
from test_group_tools import Kconsume, fill, wait_for_no_lag
from test_tools import tool


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_topic_that_is_made_anew_under_a_member_is_read_from_its_beginning(new_broker, protocol):
    broker = new_broker(group_initial_rebalance_delay_ms=0, group_consumer_heartbeat_interval_ms=100)
    topic = create_topic(broker, "anew")
    fill(broker, topic, [1, 2, 3], 1)
    member = Kconsume(broker, topic, "g", "-X", f"group.protocol={protocol}", "-X", "auto.commit.interval.ms=100")
    try:
        member.wait_for(3)
        wait_for_no_lag(broker, "g", 1)
        assert tool(broker, "kadmin", "topic", "delete", topic, "-y").returncode == 0
        create_topic(broker, topic)
        fill(broker, topic, range(101, 106), 1)
        member.wait_for(8)
    finally:
        member.stop()
    assert member.lines[3:] == [f"0 {offset} {101 + offset}" for offset in range(5)]
    fill(broker, topic, [106], 1)
    assert tool(broker, "kconsume", "-t", topic, "-g", "g", "-e").stdout == b"106\n"


def test_without_auto_commit_nothing_is_stored(broker, topic):
    assert tool(broker, "kproduce", "-t", topic, stdin=b"1\n2\n").returncode == 0
    look = ["kconsume", "-t", topic, "-g", topic, "-o", "beginning", "-e", "-X", "enable.auto.commit=false"]
    for more in [], ["--commit", "never"]:
        assert tool(broker, *look, *more).stdout == b"1\n2\n"
    done = tool(broker, *look, "--commit", "after")
    assert done.returncode == 2 and b"--commit after and enable.auto.commit=false contradict each other" in done.stderr
    assert tool(broker, "kconsume", "-t", topic, "-g", topic, "-o", "beginning", "-e").stdout == b"1\n2\n"
