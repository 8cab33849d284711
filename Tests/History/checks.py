"""Whether a history is one that a log with transactions can have: a pure function from events to findings."""

import groups
import senders
from facts import ABORTED, COMMITTED, READ_COMMITTED, READ_UNCOMMITTED, Facts
from finding import ABORTED_READ, DUPLICATE, INCONSISTENT, LOST, NON_MONOTONIC, OPEN_READ, SKIPPED, TORN, Finding


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


CHECKS = [lost_writes, torn_transactions, once_only, isolation, polls, *senders.CHECKS, *groups.CHECKS]
