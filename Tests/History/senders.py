"""What is promised to who sends: that what it sends stands where it was sent to, in the order in which it was sent."""

from facts import COMMITTED
from finding import DISORDER, FENCED, PHANTOM


def order(facts):
    """What one sender sends to a place stands there in the order in which it was sent."""
    number = {value: index for index, value in enumerate(facts.sends)}
    last = {}
    for (place, offset), values in sorted(facts.at.items()):
        for value in values:
            if value not in number:
                continue
            sender = facts.sends[value]["by"], place
            before = last.get(sender)
            if before is not None and number[value] < number[before[1]]:
                yield DISORDER, f"{value} stands at {place}:{offset}, behind {before[1]} at {before[0]}, which was sent later"
            else:
                last[sender] = offset, value


def origin(facts):
    """Whatever stands anywhere was sent, and to there."""
    for value, places in facts.places.items():
        for (place, offset), witnesses in places.items():
            send = facts.sends.get(value)
            if send is None:
                yield PHANTOM, f"{value} at {place}:{offset} ({', '.join(witnesses[:2])}) was sent by nobody"
            elif send["place"] != place:
                yield PHANTOM, f"{value} at {place}:{offset} ({', '.join(witnesses[:2])}) was sent to {send['place']}"


def fencing(facts):
    """Once a successor has a producer's id, nothing that the producer asks for counts."""
    for transaction in facts.transactions.values():
        if transaction.fenced is None:
            continue
        holds = transaction.values or transaction.positions
        is_late = transaction.commit_asked is not None and transaction.commit_asked > transaction.fenced
        if holds and is_late and transaction.outcome == COMMITTED:
            yield FENCED, f"{transaction.name} was committed, which was asked for when a successor had the producer's id"
        for value in transaction.values:
            if facts.sends[value]["index"] > transaction.fenced and (places := facts.places.get(value)):
                (place, offset), *_ = places
                yield FENCED, f"{value} of {transaction.name} is at {place}:{offset}, sent when a successor had the producer's id"


CHECKS = [order, origin, fencing]
