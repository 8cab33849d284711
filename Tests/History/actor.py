"""One client of the workload: a thread with random numbers of its own."""

import logging
import random
import threading
import traceback

# librdkafka finds a broker that comes back at once. With its own recovery strategy, `rebootstrap`, 2.16 gives up the one
# broker there is, and send_offsets_to_transaction then waits for that one for ever.
QUICK = {"metadata.recovery.strategy": "none",
         "reconnect.backoff.ms": 5, "reconnect.backoff.max.ms": 100, "retry.backoff.ms": 10, "retry.backoff.max.ms": 100,
         "topic.metadata.refresh.fast.interval.ms": 20, "socket.timeout.ms": 5000, "log_level": 0}
# A fenced producer says so itself; that is recorded.
SILENT = logging.getLogger("librdkafka")
SILENT.disabled = True


class Actor:
    """`work` is what it does until `is_stopped`; what it raises is kept in `failure`."""

    def __init__(self, name, seed, recorder, address, places, tools=None, **settings):
        self.name, self.random = name, random.Random(f"{seed} {name}")
        self.recorder, self.record = recorder, recorder.record
        self.address, self.places, self.tools = address, places, tools
        self.settings = settings
        self.stopping = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.run, daemon=True, name=name)

    @property
    def is_stopped(self):
        return self.stopping.is_set()

    def pause(self, most_seconds):
        self.stopping.wait(self.random.uniform(0, most_seconds))

    def run(self):
        try:
            self.work()
        except Exception:  # told by who runs the workload
            self.failure = traceback.format_exc()
