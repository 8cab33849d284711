"""What is promised to groups: where they are, and what they are given."""

from bisect import bisect_left
from collections import defaultdict

from facts import ABORTED, READ_COMMITTED
from finding import DUPLICATE, OWNERS, POSITION, SKIPPED, STUCK, TORN

# Behind every offset.
END = 1 << 63


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


def handled(facts):
    """Everything before a group's last position was handled: at least once, and once where that is in transactions."""
    given, outputs = defaultdict(set), defaultdict(lambda: defaultdict(list))
    for session in facts.sessions:
        if session.group:
            given[session.group, session.place].update(offset for offset, _, _ in session.records)
    for value, send in facts.sends.items():
        if "of" in send and value in facts.committed_values:
            place, offset = send["of"]
            outputs[send["group"], place][offset].append(value)
    exact = {group for transaction in facts.transactions.values() for group, _, _ in transaction.positions}
    for (group, place), end in facts.final_positions.items():
        for offset in facts.visible_between(isolation_of(facts, group), place, 0, end):
            if offset not in given[group, place]:
                yield SKIPPED, f"{group} has come to {end} in {place}, and none of its members was given {offset}"
            elif group in exact and offset not in outputs[group, place]:
                yield TORN, f"{group} has come to {end} in {place}, and what it made of {offset} is not there"
    for (group, place), by_offset in outputs.items():
        for offset, values in by_offset.items():
            if len(values) > 1:
                yield DUPLICATE, f"{group} handled {place}:{offset} {len(values)} times: {values[:3]}"


def progress(facts):
    """A group comes to the end when nobody writes any more."""
    for (group, place), position in facts.final_positions.items():
        left = facts.visible_between(isolation_of(facts, group), place, max(position, 0), END)
        if left:
            yield STUCK, f"{group} stays at {position} in {place}, with {len(left)} records to come, up to {left[-1]}"


def owners(facts):
    """A group's commits rise, and one member at a time makes them. Those that overlap in time say nothing."""
    starts = defaultdict(list)
    for session in facts.sessions:
        starts[session.reader, session.place].append(session.index)
    for (group, place), commits in facts.commits.items():
        highest = []
        for commit in commits:
            highest.append(max(commit.offset, highest[-1] if highest else -1))
        for commit in commits:
            before = bisect_left(commits, commit.asked, key=lambda one: one.answered)
            if before and commit.offset < highest[before - 1]:
                yield POSITION, f"{group} committed {highest[before - 1]} in {place}, and {commit.reader} {commit.offset} later"
            began = bisect_left(starts[commit.reader, place], commit.asked)
            if not began:
                continue
            since = starts[commit.reader, place][began - 1]
            for other in commits[bisect_left(commits, since, key=lambda one: one.answered):before]:
                if other.reader != commit.reader and other.asked > since:
                    yield OWNERS, (f"{commit.reader} has {place} and commits {commit.offset}, and meanwhile {other.reader} "
                                   f"has committed {other.offset}")
                    break


def isolation_of(facts, group):
    return next((session.isolation for session in facts.sessions if session.group == group), READ_COMMITTED)


CHECKS = [positions, handled, progress, owners]
