"""Keeps what happens, in the order in which it happened to this process."""

import gzip
import json
import threading
import time
from contextlib import contextmanager

PULSE_SECONDS, STALL_SECONDS = 0.2, 2


class Recorder:
    def __init__(self):
        self.events, self.lock, self.began = [], threading.Lock(), time.monotonic()

    @contextmanager
    def watched(self):
        """Meanwhile it is recorded when this process got no turn for some seconds: what comes late then is not the broker's
        fault."""
        ended = threading.Event()
        pulse = threading.Thread(target=self._watch, args=[ended], daemon=True, name="pulse")
        pulse.start()
        try:
            yield
        finally:
            ended.set()
            pulse.join()

    def _watch(self, ended):
        before = time.monotonic()
        while not ended.wait(PULSE_SECONDS):
            if (seconds := time.monotonic() - before) > STALL_SECONDS:
                self.record("stalled", seconds=round(seconds, 6))
            before = time.monotonic()

    def record(self, type, **fields):
        with self.lock:
            self.events.append({"type": type, "time": round(time.monotonic() - self.began, 6), **fields})

    @property
    def now(self):
        """The index that the next event gets."""
        return len(self.events)

    def save(self, path):
        with gzip.open(path, "wt") as out:
            for event in self.events:
                out.write(json.dumps(event) + "\n")


def load(path):
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]
