"""What a history says, put in order: who sent what, how transactions ended, what stands where, and who read it.

A history is a list of events (dictionaries), in the order in which they happened to the process that recorded them;
README.md describes them. Nothing here judges: that is checks.py.
"""

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field

COMMITTED, ABORTED, UNKNOWN = "committed", "aborted", "unknown"
READ_COMMITTED, READ_UNCOMMITTED = "read_committed", "read_uncommitted"


@dataclass
class Transaction:
    name: str
    by: str
    # The event with which it began.
    begun: dict
    values: list = field(default_factory=list)
    # Positions that are part of it: (group, place, offset).
    positions: list = field(default_factory=list)
    outcome: str = ABORTED
    # The index of the event in which its commit was asked for; None when it never was.
    commit_asked: int = None
    # The index of the event from which on a successor has its producer's id; None when there was none.
    fenced: int = None


@dataclass(frozen=True)
class Commit:
    """A member's commit of a position, from the event before it was asked for to that of the answer; it was kept."""

    reader: str
    asked: int
    answered: int
    offset: int


@dataclass
class Session:
    """A reader in one partition from one seek to the next: what it is given must go up and leave nothing out."""

    reader: str
    place: str
    isolation: str
    group: str = None
    # Where it begins; None when nobody knows.
    start: int = None
    # The index of the event with which it begins.
    index: int = None
    # (offset, value, index of the event)
    records: list = field(default_factory=list)


def seconds_of(spans, since, until):
    """How much of a time lies in some of these spans; one without an end lasts."""
    seconds, at = 0, since
    for begun, ended in sorted(spans, key=lambda span: span[0]):
        begun, ended = max(begun, at), until if ended is None else min(ended, until)
        if ended > begun:
            seconds, at = seconds + ended - begun, ended
    return seconds


class Facts:
    def __init__(self, events):
        self.sends, self.transactions = {}, {}
        self.acknowledged = {}
        # Events that say that the producer was told no, and for good; each with its index.
        self.failures = []
        # [when the broker went, when it was back]; None as long as it is not.
        self.absences = []
        # [from when, until when] who records this got no turn.
        self.stalls = []
        self.sessions = []
        # isolation -> place -> {offset: value}, for places of which somebody has read everything, at the end.
        self.whole = {READ_COMMITTED: {}, READ_UNCOMMITTED: {}}
        # (group, place) -> [(index, offset)] of commits that were asked for outside of transactions, and that were answered.
        self.asked, self.answered = defaultdict(list), defaultdict(list)
        # (group, place) -> commits by members that were answered, in the order of their answers.
        self.commits = defaultdict(list)
        # (group, place, since, offset): the broker said so, to who asked after event `since`.
        self.told = []
        self.final_positions = {}
        # reader and place -> its session; who sends -> the transaction it began last, until a successor has its id.
        self._open, self._last = {}, {}
        # reader -> the index of its question; transaction -> what it stores: (reader, index, group, place, offset).
        self._asking, self._stores = {}, defaultdict(list)
        for index, event in enumerate(events):
            getattr(self, "on_" + event["type"])(index, event)
        self._settle()

    # Producers

    def on_begin(self, index, event):
        transaction = Transaction(event["transaction"], event["by"], event)
        self.transactions[event["transaction"]] = self._last[event["by"]] = transaction

    def on_initialized(self, index, event):
        if (last := self._last.pop(event["by"], None)) is not None:
            last.fenced = index

    def on_send(self, index, event):
        self.sends[event["value"]] = {**event, "index": index}
        if event.get("transaction"):
            self.transactions[event["transaction"]].values.append(event["value"])

    def on_acknowledged(self, index, event):
        self.acknowledged[event["value"]] = (event["place"], event["offset"])

    def on_failed(self, index, event):
        self.failures.append((index, event))

    def on_offsets(self, index, event):
        transaction = self.transactions[event["transaction"]]
        for place, offset in event["positions"].items():
            transaction.positions.append((event["group"], place, offset))
            self._stores[event["transaction"]].append((event["reader"], index, event["group"], place, offset))

    def on_end(self, index, event):
        if event["commit"]:
            transaction = self.transactions[event["transaction"]]
            transaction.commit_asked, transaction.outcome = index, UNKNOWN

    def on_ended(self, index, event):
        transaction = self.transactions[event["transaction"]]
        transaction.outcome = event["outcome"]
        if transaction.outcome == COMMITTED:
            for group, place, offset in transaction.positions:
                self.answered[group, place].append((index, offset))
            for reader, asked, group, place, offset in self._stores[event["transaction"]]:
                self.commits[group, place].append(Commit(reader, asked, index, offset))

    # Readers

    def on_position(self, index, event):
        session = Session(event["reader"], event["place"], event["isolation"], event.get("group"), event["offset"], index)
        self._open[event["reader"], event["place"]] = session
        self.sessions.append(session)

    def on_poll(self, index, event):
        for place, offset, value in event["records"]:
            session = self._open.get((event["reader"], place))
            if session is None:
                session = Session(event["reader"], place, event["isolation"], event.get("group"), index=index)
                self._open[event["reader"], place] = session
                self.sessions.append(session)
            session.records.append((offset, value, index))

    def on_read(self, index, event):
        """`reader` has read all of `place` below `end`, from its session's start at 0."""
        session = self._open[event["reader"], event["place"]]
        records = {offset: value for offset, value, _ in session.records}
        self.whole[session.isolation][event["place"]] = records

    # Positions of groups

    def on_commit(self, index, event):
        for place, offset in event["positions"].items():
            self.asked[event["group"], place].append((index, offset))
        self._asking[event["reader"]] = index

    def on_committed(self, index, event):
        asked = self._asking.pop(event["reader"])
        for place, offset in event["positions"].items():
            self.answered[event["group"], place].append((index, offset))
            self.commits[event["group"], place].append(Commit(event["reader"], asked, index, offset))

    def on_told(self, index, event):
        for place, offset in event["positions"].items():
            self.told.append((event["group"], place, event["since"], offset))
            if event.get("final"):
                self.final_positions[event["group"], place] = offset

    # The broker

    def on_restart(self, index, event):
        self.absences.append([event.get("time", 0), None])

    def on_restarted(self, index, event):
        self.absences[-1][1] = event.get("time", 0)

    def on_stalled(self, index, event):
        self.stalls.append([event["time"] - event["seconds"], event["time"]])

    def on_note(self, index, event):
        """Errors that mean nothing, and the like: for who reads the history."""

    # What follows from it

    def _settle(self):
        # (place, offset) -> {value: [who says so]}, and value -> {(place, offset): [who says so]}.
        self.at, self.places = defaultdict(lambda: defaultdict(list)), defaultdict(lambda: defaultdict(list))
        for value, where in self.acknowledged.items():
            self._stands(where, value, "acknowledgement")
        for number, session in enumerate(self.sessions):
            for offset, value, _ in session.records:
                self._stands((session.place, offset), value, f"{session.reader}#{number}")
        # What read_committed is given at the end.
        self.committed_values = {v for records in self.whole[READ_COMMITTED].values() for v in records.values()}
        for transaction in self.transactions.values():
            if transaction.outcome == UNKNOWN and any(value in self.committed_values for value in transaction.values):
                transaction.outcome = COMMITTED
        # isolation -> place -> sorted offsets at which a reader of this isolation must be given something.
        self.visible = {READ_COMMITTED: defaultdict(list), READ_UNCOMMITTED: defaultdict(list)}
        for (place, offset), values in self.at.items():
            self.visible[READ_UNCOMMITTED][place].append(offset)
            if any(self.counts(value) for value in values):
                self.visible[READ_COMMITTED][place].append(offset)
        for places in self.visible.values():
            for offsets in places.values():
                offsets.sort()

    def _stands(self, where, value, witness):
        for witnesses in (self.at[where][value], self.places[value][where]):
            if witness not in witnesses:
                witnesses.append(witness)

    def transaction_of(self, value):
        """The transaction of a value; None for a plain one, and for one that nobody here has sent."""
        return self.transactions.get(self.sends.get(value, {}).get("transaction"))

    def seconds_away(self, since, until):
        """For how long the broker was not there between two times."""
        return seconds_of(self.absences, since, until)

    def seconds_lost(self, since, until):
        """For how long between two times the broker was not there, or nobody got a turn."""
        return seconds_of(self.absences + self.stalls, since, until)

    def counts(self, value):
        """Whether a value is there for those who read what is committed."""
        transaction = self.transaction_of(value)
        return transaction is None or transaction.outcome == COMMITTED

    def visible_between(self, isolation, place, start, end):
        """The offsets from `start` below `end` that hold something for this isolation."""
        offsets = self.visible[isolation].get(place, [])
        return offsets[bisect_left(offsets, start):bisect_left(offsets, end)]
