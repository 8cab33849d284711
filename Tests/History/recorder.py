"""Keeps what happens, in the order in which it happened to this process."""

import gzip
import json
import threading
import time


class Recorder:
    def __init__(self):
        self.events, self.lock, self.began = [], threading.Lock(), time.monotonic()

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
