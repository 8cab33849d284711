"""Whether a history is one that a log with transactions can have: a pure function from events to findings."""

from collections import defaultdict
from dataclasses import dataclass

from facts import ABORTED, COMMITTED, READ_COMMITTED, READ_UNCOMMITTED, Facts

LOST = "lost"
DUPLICATE = "duplicate"
ABORTED_READ = "aborted read"
OPEN_READ = "open read"
INCONSISTENT = "inconsistent offset"
SKIPPED = "skipped"
NON_MONOTONIC = "non-monotonic"
TORN = "torn transaction"
POSITION = "position"


@dataclass(frozen=True)
class Finding:
    kind: str
    text: str

    def __str__(self):
        return f"{self.kind}: {self.text}"


def check(events):
    """Everything that is wrong with a history; empty when nothing is."""
    facts = Facts(events)
    return [Finding(kind, text) for one in CHECKS for kind, text in one(facts)]


def lost_writes(facts):
    """What was acknowledged, or read by anybody, is there at the end."""
    everything, committed = facts.whole[READ_UNCOMMITTED], facts.whole[READ_COMMITTED]
    for value, places in facts.places.items():
        for (place, offset), witnesses in places.items():
            if place in everything and everything[place].get(offset) != value:
                yield LOST, f"{value} at {place}:{offset} (known by {', '.join(witnesses[:2])}) is not there at the end"
    for value, (place, offset) in facts.acknowledged.items():
        if facts.transaction_of(value) is None and place in committed and committed[place].get(offset) != value:
            yield LOST, f"{value}, acknowledged at {place}:{offset}, is not read by read_committed at the end"


def torn_transactions(facts):
    """All of a transaction is there, or nothing, with the positions that are part of it."""
    committed = facts.whole[READ_COMMITTED]
    for transaction in facts.transactions.values():
        if transaction.outcome != COMMITTED:
            continue
        known = [value for value in transaction.values if facts.sends[value]["place"] in committed]
        missing = [value for value in known if value not in facts.committed_values]
        if not missing:
            continue
        if len(missing) == len(known):
            yield LOST, f"all of the committed transaction {transaction.name}: {missing[:3]}"
        else:
            yield TORN, f"{transaction.name} was committed, but {len(missing)} of {len(known)} are missing: {missing[:3]}"


def once_only(facts):
    """No record stands twice in a log, and one place in a log holds one record, whoever asks."""
    for value, places in facts.places.items():
        if len(places) < 2:
            continue
        readers = [set(witnesses) - {"acknowledgement"} for witnesses in places.values()]
        both = next((a & b for i, a in enumerate(readers) for b in readers[i + 1:] if a & b), None)
        where = ", ".join(f"{place}:{offset} ({', '.join(witnesses[:2])})" for (place, offset), witnesses in places.items())
        yield (DUPLICATE if both else INCONSISTENT), f"{value} is at {where}"
    for (place, offset), values in facts.at.items():
        if len(values) > 1:
            said = "; ".join(f"{value} to {', '.join(witnesses[:2])}" for value, witnesses in values.items())
            yield INCONSISTENT, f"{place}:{offset} is {said}"


def isolation(facts):
    """Readers of what is committed see nothing else."""
    for session in facts.sessions:
        if session.isolation != READ_COMMITTED:
            continue
        for offset, value, index in session.records:
            transaction = facts.transaction_of(value)
            if transaction is None:
                continue
            where = f"{session.reader} read {value} of {transaction.name} at {session.place}:{offset}"
            if transaction.outcome == ABORTED:
                yield ABORTED_READ, f"{where}, which was aborted"
            elif transaction.commit_asked is None or index < transaction.commit_asked:
                yield OPEN_READ, f"{where} before its commit was asked for"


def polls(facts):
    """What a reader is given goes up and leaves nothing out."""
    for session in facts.sessions:
        last = None if session.start is None else session.start - 1
        for offset, value, _ in session.records:
            if last is not None and offset <= last:
                yield NON_MONOTONIC, f"{session.reader} was given {session.place}:{offset} after {last}"
                continue
            if last is not None:
                for between in facts.visible_between(session.isolation, session.place, last + 1, offset):
                    yield SKIPPED, f"{session.reader} was given {session.place}:{offset} after {last}, not {between}"
            last = offset


def positions(facts):
    """A group's position is one that was committed, and never goes back behind one that was answered."""
    committed = defaultdict(set)
    for transaction in facts.transactions.values():
        for group, place, offset in transaction.positions:
            # One whose end nobody knows may have counted.
            if transaction.outcome != ABORTED:
                committed[group, place].add(offset)
    for group, place, since, offset in facts.told:
        known = [done for index, done in facts.answered[group, place] if index < since]
        if known and offset < max(known):
            yield POSITION, f"{group} committed {max(known)} in {place}, and was told {offset} later"
        explained = committed[group, place] | {asked for _, asked in facts.asked[group, place]}
        if offset >= 0 and offset not in explained:
            yield TORN, f"{group} was told {offset} for {place}, which nothing that counts has committed"


def groups(facts):
    """Everything before a group's last position was handled: at least once, and once where that is in transactions."""
    given, outputs = defaultdict(set), defaultdict(lambda: defaultdict(list))
    isolations = {}
    for session in facts.sessions:
        if session.group:
            given[session.group, session.place].update(offset for offset, _, _ in session.records)
            isolations[session.group] = session.isolation
    for value, send in facts.sends.items():
        if "of" in send and value in facts.committed_values:
            place, offset = send["of"]
            outputs[send["group"], place][offset].append(value)
    exact = {group for transaction in facts.transactions.values() for group, _, _ in transaction.positions}
    for (group, place), end in facts.final_positions.items():
        for offset in facts.visible_between(isolations.get(group, READ_COMMITTED), place, 0, end):
            if offset not in given[group, place]:
                yield SKIPPED, f"{group} has come to {end} in {place}, and none of its members was given {offset}"
            elif group in exact and offset not in outputs[group, place]:
                yield TORN, f"{group} has come to {end} in {place}, and what it made of {offset} is not there"
    for (group, place), by_offset in outputs.items():
        for offset, values in by_offset.items():
            if len(values) > 1:
                yield DUPLICATE, f"{group} handled {place}:{offset} {len(values)} times: {values[:3]}"


CHECKS = [lost_writes, torn_transactions, once_only, isolation, polls, positions, groups]
