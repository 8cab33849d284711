"""The model's groups: one that commits what it was given, and one that works in transactions."""

from facts import READ_COMMITTED
from model_log import MEMBERS, OUTPUT, PLACES, TIMEOUT_SECONDS, Base


class Groups(Base):
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
