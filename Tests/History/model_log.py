"""What the parts of the model share: its partitions, and the history."""

import random

PLACES = ["a-0", "a-1", "a-2"]
OUTPUT = "b-0"
ABORTED, COMMITTED = "aborted", "committed"
TIMEOUT_SECONDS = 8
MEMBERS = ["g-1", "g-2"]


class Log:
    """Records as [value, transaction or None]; None where a marker stands."""

    def __init__(self):
        self.records, self.open = [], {}

    def append(self, value, transaction):
        self.records.append([value, transaction])
        if transaction:
            self.open.setdefault(transaction, len(self.records) - 1)
        return len(self.records) - 1

    def mark(self, transaction):
        if self.open.pop(transaction, None) is not None:
            self.records.append(None)

    @property
    def stable(self):
        return min(self.open.values(), default=len(self.records))


class Base:
    def __init__(self, seed, fault):
        self.random, self.fault, self.planted = random.Random(seed), fault, False
        # Whether there is enough to be wrong about.
        self.late = False
        self.logs = {place: Log() for place in [*PLACES, OUTPUT]}
        self.ends, self.stored, self.cursors = {}, {}, {}
        self.events, self.number, self.running, self.seconds = [], 0, {}, 0.0
        # The member of group "g" that has a place.
        self.owners = dict.fromkeys(PLACES, MEMBERS[0])

    def record(self, type, **fields):
        self.seconds += 0.001
        self.events.append({"type": type, "time": self.seconds, **fields})

    def once(self, fault):
        """Whether this is where `fault` is to be made: once."""
        if self.fault != fault or self.planted or not self.late:
            return False
        self.planted = True
        return True
