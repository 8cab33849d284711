"""The model's producers, and what its broker makes of what they ask for."""

from facts import READ_COMMITTED, READ_UNCOMMITTED
from model_log import ABORTED, COMMITTED, PLACES, TIMEOUT_SECONDS, Base


class Producers(Base):
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
        elif self.once("a transaction is not answered"):
            self.seconds += 60
            self.abort(by, transaction, "no answer")
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
