"""A broker of a few lines, right by construction, and clients that record what they see: histories for the checker's tests.

With a `fault` it does one thing wrong, once; each is a mistake that a real broker could make.
"""

from facts import READ_COMMITTED, READ_UNCOMMITTED
from model_groups import Groups
from model_log import COMMITTED, MEMBERS, PLACES
from model_producers import Producers

READERS = [("rc-1", READ_COMMITTED, None), ("ru-1", READ_UNCOMMITTED, None), (None, READ_COMMITTED, "g")]


class Model(Producers, Groups):
    def __init__(self, seed, fault=None, steps=400):
        super().__init__(seed, fault)
        for step in range(steps):
            self.late = step > steps // 3
            self.random.choice([self.plain, self.transact, self.transact, self.poll, self.poll, self.commit, self.process])()
        self.finish()

    def read(self, reader, isolation, group, place, whole=False):
        log, records = self.logs[place], []
        if (reader, place) not in self.cursors:
            self.seek(reader, isolation, group, place, 0)
        at = self.cursors[reader, place]
        end = log.stable if isolation == READ_COMMITTED else len(log.records)
        if not whole:
            end = min(end, at + self.random.randrange(1, 8))
        for offset in range(at, end):
            entry = log.records[offset]
            if entry is None:
                continue
            value, transaction = entry
            if isolation == READ_UNCOMMITTED or transaction is None or self.ends.get(transaction) == COMMITTED:
                records.append([place, offset, value])
        self.cursors[reader, place] = max(at, end)
        if len(records) > 2 and not whole:
            if self.once("a poll leaves a record out"):
                # A group would be found out by its position too; this one is alone.
                del records[1]
            elif self.once("a poll goes back"):
                records.append(records[0])
            elif self.once("a reader has other offsets"):
                for record in records:
                    record[1] += 100_000
        if records:
            self.record("poll", reader=reader, isolation=isolation, group=group, records=records)
        return records

    def seek(self, reader, isolation, group, place, offset):
        self.cursors[reader, place] = offset
        self.record("position", reader=reader, isolation=isolation, group=group, place=place, offset=offset)

    def poll(self):
        reader, isolation, group = self.random.choice(READERS)
        place = self.random.choice(PLACES)
        if group and self.fault == "a group is given nothing":
            self.planted = True
            return
        if group:
            reader = self.owners[place]
        if group and self.random.random() < 0.1:
            reader = self.owners[place] = self.random.choice(MEMBERS)
            self.seek(reader, isolation, group, place, self.ask(group, [place])[place])
        if not group and self.random.random() < 0.05:
            self.seek(reader, isolation, group, place, self.random.randrange(len(self.logs[place].records) + 1))
        self.read(reader, isolation, group, place)

    def finish(self):
        self.late = True
        for by, transaction in list(self.running.items()):
            self.end(by, transaction, True)
        for place in PLACES:
            self.work_on(place, whole=True)
            if self.fault != "a group is given nothing" and not self.once("a group stands still"):
                self.read(self.owners[place], READ_COMMITTED, "g", place, whole=True)
                self.store(self.owners[place], {place: self.cursors[self.owners[place], place]})
        for reader, isolation in (("all-rc", READ_COMMITTED), ("all-ru", READ_UNCOMMITTED)):
            for place, log in self.logs.items():
                self.seek(reader, isolation, None, place, 0)
                self.read(reader, isolation, None, place, whole=True)
                self.record("read", reader=reader, place=place, end=len(log.records))
        for group in ("g", "p"):
            self.ask(group, PLACES, final=True)


FAULTS = {
    "an acknowledged write is lost": {"lost"},
    "a producer's order is turned round": {"disorder"},
    "a record comes from nowhere": {"phantom"},
    "a record comes to another partition": {"phantom"},
    "a write stands twice": {"duplicate"},
    "an offset is used again": {"lost", "inconsistent offset"},
    "a reader has other offsets": {"inconsistent offset"},
    "a fenced producer commits": {"fenced"},
    "a fenced producer writes": {"fenced"},
    "a write is refused": {"refused"},
    "a write is not answered": {"refused"},
    "a transaction is refused": {"refused"},
    "a transaction is not answered": {"refused"},
    "an open transaction is read": {"open read"},
    "an aborted transaction is read": {"aborted read"},
    "a transaction is torn": {"torn transaction"},
    "a committed transaction is lost": {"lost"},
    "a poll leaves a record out": {"skipped"},
    "a poll goes back": {"non-monotonic"},
    "a group leaves records out": {"skipped"},
    "a group stands still": {"stuck"},
    "a group is given nothing": {"stuck"},
    "a position goes back": {"position"},
    "positions are forgotten": {"position"},
    "a commit goes back": {"position"},
    "a partition has two owners": {"two owners"},
    "a transaction's position is lost": {"position", "duplicate"},
    "an aborted transaction's position counts": {"torn transaction"},
}
