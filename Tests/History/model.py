"""A broker of a few lines, right by construction, and clients that record what they see: histories for the checker's tests.

With a `fault` it does one thing wrong, once; each is a mistake that a real broker could make.
"""

import random

from facts import READ_COMMITTED, READ_UNCOMMITTED

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


class Model:
    def __init__(self, seed, fault=None, steps=400):
        self.random, self.fault, self.planted = random.Random(seed), fault, False
        self.logs = {place: Log() for place in [*PLACES, OUTPUT]}
        self.ends, self.stored, self.cursors = {}, {}, {}
        self.events, self.number, self.running, self.seconds = [], 0, {}, 0.0
        self.readers = [("rc-1", READ_COMMITTED, None), ("ru-1", READ_UNCOMMITTED, None), (None, READ_COMMITTED, "g")]
        # The member of group "g" that has a place.
        self.owners = dict.fromkeys(PLACES, "g-1")
        for step in range(steps):
            self.late = step > steps // 3
            self.random.choice([self.plain, self.transact, self.transact, self.poll, self.poll, self.commit, self.process])()
        self.finish()

    def record(self, type, **fields):
        self.seconds += 0.001
        self.events.append({"type": type, "time": self.seconds, **fields})

    def once(self, fault):
        """Whether this is where `fault` is to be made: once, when there is enough to be wrong about."""
        if self.fault != fault or self.planted or not self.late:
            return False
        self.planted = True
        return True

    # Producers

    def send(self, by, place, transaction=None, **fields):
        self.number += 1
        value = f"{by}:{self.number}"
        self.record("send", by=by, value=value, place=place, transaction=transaction, **fields)
        offset = self.logs[place].append(value, transaction)
        self.record("acknowledged", value=value, place=place, offset=offset)
        return offset

    def swap(self, by, place):
        """Two writes to one place, of which the second arrives first."""
        values = []
        for _ in range(2):
            self.number += 1
            values.append(f"{by}:{self.number}")
            self.record("send", by=by, value=values[-1], place=place, transaction=None)
        for value in reversed(values):
            self.record("acknowledged", value=value, place=place, offset=self.logs[place].append(value, None))

    def plain(self):
        place = self.random.choice(PLACES)
        offset = self.send("plain", place)
        log = self.logs[place]
        if self.once("an acknowledged write is lost"):
            log.records[offset] = None
        elif self.once("a write stands twice"):
            log.append(log.records[offset][0], None)
        elif self.once("an offset is used again"):
            self.read("ru-1", READ_UNCOMMITTED, None, place, whole=True)
            log.records[offset] = None
            self.number += 1
            value = f"plain:{self.number}"
            self.record("send", by="plain", value=value, place=place, transaction=None)
            log.records[offset] = [value, None]
        elif self.once("a producer's order is turned round"):
            self.swap("plain", place)
        elif self.once("a write is refused"):
            self.refuse("plain", place, "OUT_OF_ORDER_SEQUENCE_NUMBER", 0.1)
        elif self.once("a write is not answered"):
            self.refuse("plain", place, "_MSG_TIMED_OUT", 60)
        elif self.random.random() < 0.02:
            self.record("restart")
            self.refuse("plain", place, "_MSG_TIMED_OUT", 60)
            self.record("restarted")
        elif self.once("a record comes from nowhere"):
            log.append("nobody:1", None)
        elif self.once("a record comes to another partition"):
            self.number += 1
            value, other = f"plain:{self.number}", next(one for one in PLACES if one != place)
            self.record("send", by="plain", value=value, place=place, transaction=None)
            self.logs[other].append(value, None)

    def refuse(self, by, place, error, seconds):
        self.number += 1
        self.record("send", by=by, value=f"{by}:{self.number}", place=place, transaction=None)
        self.seconds += seconds
        self.record("failed", value=f"{by}:{self.number}", error=error)

    def transact(self):
        by = self.random.choice(["t1", "t2"])
        if by not in self.running:
            self.number += 1
            self.running[by] = f"{by}/{self.number}"
            self.record("begin", by=by, transaction=self.running[by], timeout=TIMEOUT_SECONDS)
        transaction = self.running[by]
        for _ in range(self.random.randrange(1, 4)):
            self.send(by, self.random.choice(PLACES), transaction)
        if self.random.random() < 0.1:
            self.take_over(by, transaction)
        elif self.random.random() < 0.05:
            self.seconds += TIMEOUT_SECONDS
            self.abort(by, transaction, "INVALID_PRODUCER_EPOCH")
        elif self.once("a transaction is refused"):
            self.abort(by, transaction, "INVALID_TXN_STATE")
        elif self.random.random() < 0.4:
            self.end(by, transaction, self.random.random() < 0.7)

    def take_over(self, by, transaction):
        """A successor has the producer's id, which aborts what is open; then the producer tries to go on."""
        del self.running[by]
        commits = self.once("a fenced producer commits")
        self.ends[transaction] = COMMITTED if commits else ABORTED
        if not commits:
            self.mark(transaction)
        self.record("initialized", by=by)
        self.number += 1
        value, place = f"{by}:{self.number}", self.random.choice(PLACES)
        self.record("send", by=by, value=value, place=place, transaction=transaction)
        if self.once("a fenced producer writes"):
            self.logs[place].append(value, transaction)
        self.record("end", transaction=transaction, commit=True)
        self.mark(transaction)
        self.record("failed", transaction=transaction, of="commit", error="_FENCED")
        self.record("ended", transaction=transaction, outcome="unknown")

    def abort(self, by, transaction, error):
        """Its commit is refused."""
        self.record("end", transaction=transaction, commit=True)
        self.record("failed", transaction=transaction, of="commit", error=error)
        self.end(by, transaction, False)

    def mark(self, transaction):
        for log in self.logs.values():
            log.mark(transaction)

    def end(self, by, transaction, is_commit):
        del self.running[by]
        written = [place for place in PLACES if transaction in self.logs[place].open]
        first = [place for place in written if self.logs[place].stable == self.logs[place].open[transaction]]
        if is_commit and first and self.once("an open transaction is read"):
            self.ends[transaction] = COMMITTED
            held = [log.open.pop(transaction, None) for log in self.logs.values()]
            for place in first:
                self.read("rc-2", READ_COMMITTED, None, place, whole=True)
            for log, offset in zip(self.logs.values(), held):
                if offset is not None:
                    log.open[transaction] = offset
        self.record("end", transaction=transaction, commit=is_commit)
        outcome = COMMITTED if is_commit else ABORTED
        self.ends[transaction] = outcome
        if not is_commit and self.once("an aborted transaction is read"):
            self.ends[transaction] = COMMITTED
        if is_commit and len(written) > 1 and self.once("a transaction is torn"):
            for record in self.logs[written[0]].records:
                if record and record[1] == transaction:
                    record[1] = "nobody's"
        if is_commit and self.once("a committed transaction is lost"):
            self.ends[transaction] = ABORTED
        self.mark(transaction)
        # Now and then nobody hears of the end.
        heard = outcome if self.random.random() < 0.9 or self.planted else "unknown"
        self.record("ended", transaction=transaction, outcome=heard)

    # Readers

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
        reader, isolation, group = self.random.choice(self.readers)
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

    # Groups

    def ask(self, group, places, **fields):
        since = len(self.events)
        positions = {place: self.stored.get((group, place), -1) for place in places}
        if group == "g" and positions[places[0]] > 3 and self.once("a position goes back"):
            positions[places[0]] -= 2
            self.record("commit", reader="g-1", group=group, positions=dict(positions))
        if group == "g" and positions[places[0]] > 3 and self.once("positions are forgotten"):
            positions = {place: -1 for place in places}
        self.record("told", group=group, since=since, positions=positions, **fields)
        return {place: max(offset, 0) for place, offset in positions.items()}

    def commit(self):
        member = self.random.choice(MEMBERS)
        positions = {place: self.cursors[member, place] for place, owner in self.owners.items()
                     if owner == member and (member, place) in self.cursors}
        if not positions:
            return
        place = next(iter(positions))
        if not self.logs[place].open and len(self.logs[place].records) > positions[place] + 5 \
                and self.once("a group leaves records out"):
            self.seek(member, READ_COMMITTED, "g", place, len(self.logs[place].records))
            positions[place] = len(self.logs[place].records)
        self.store(member, positions)
        other = next(one for one in MEMBERS if one != member)
        if positions[place] > 3 and self.once("a commit goes back"):
            self.store(member, {place: positions[place] - 2}, counts=False)
        elif (other, place) in self.cursors and self.once("a partition has two owners"):
            self.store(other, {place: positions[place]})

    def store(self, member, positions, counts=True):
        self.record("commit", reader=member, group="g", positions=positions)
        if counts:
            self.stored.update({("g", place): offset for place, offset in positions.items()})
        self.record("committed", reader=member, group="g", positions=positions)

    def process(self):
        """Reads, writes what came of it and stores how far it is, in one transaction."""
        self.work_on(self.random.choice(PLACES))

    def work_on(self, place, whole=False):
        self.number += 1
        transaction = f"p/{self.number}"
        self.seek("p", READ_COMMITTED, "p", place, self.ask("p", [place])[place])
        records = self.read("p", READ_COMMITTED, "p", place, whole)
        if not records or any(offset >= 100_000 for _, offset, _ in records):
            return
        self.record("begin", by="p", transaction=transaction, timeout=TIMEOUT_SECONDS)
        for _, offset, value in records:
            self.send("p", OUTPUT, transaction, of=[place, offset], group="p")
        position = self.cursors["p", place]
        self.record("offsets", reader="p", transaction=transaction, group="p", positions={place: position})
        is_commit = whole or self.random.random() < 0.8
        if not is_commit and self.random.random() < 0.5:
            self.record("failed", transaction=transaction, of="write", error="ILLEGAL_GENERATION")
        self.running["p"] = transaction
        if is_commit and self.once("a transaction's position is lost"):
            pass
        elif is_commit or self.once("an aborted transaction's position counts"):
            self.stored["p", place] = position
        self.end("p", transaction, is_commit)

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
