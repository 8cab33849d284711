"""How a member of confluent-kafka leaves its group."""

import time


def leave(consumer, seconds=30):
    """Gives up what the member has, and closes it then.

    librdkafka (2.16) may hang or abort when its close has to call back: a callback that still waits for an answer while the
    group ends is never answered (librdkafka's issue 4884)."""
    consumer.unsubscribe()
    deadline = time.monotonic() + seconds
    while consumer.assignment() and time.monotonic() < deadline:
        consumer.poll(0.05)
    consumer.close()
