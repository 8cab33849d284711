"""What is promised to who sends: that what it sends stands where it was sent to, in the order in which it was sent."""

from facts import COMMITTED
from finding import DISORDER, FENCED, PHANTOM, REFUSED

# A member that is none any more cannot store positions: so it is to be.
REBALANCES = {"ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "REBALANCE_IN_PROGRESS", "STALE_MEMBER_EPOCH", "FENCED_MEMBER_EPOCH"}
# Who is not answered in so many seconds in which the broker is there, and everybody gets a turn, is not just late; clients here
# wait for sixty.
LATE_SECONDS = 30
# What kproduce waits for a broker that cannot be reached.
PATIENCE_SECONDS = 3


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


def service(facts):
    """What a producer asks for is done, whether the broker is killed or not, unless time or a successor is against it."""
    for index, event in facts.failures:
        error, now = event["error"], event.get("time", 0)
        transaction = facts.transactions.get(event.get("transaction"))
        since = (transaction.begun if transaction else facts.sends[event["value"]]).get("time", 0)
        seconds = now - since
        is_late = seconds - facts.seconds_lost(since, now) < LATE_SECONDS
        if transaction is None:
            # What becomes of one in a transaction is the transaction's.
            is_plain = facts.transaction_of(event["value"]) is None
            if is_plain and not (is_late and error == "_MSG_TIMED_OUT"):
                yield REFUSED, f"{event['value']} failed after {seconds:.1f} s: {error}"
            continue
        is_fenced = transaction.fenced is not None and transaction.fenced < index
        has_expired = is_late and seconds >= transaction.begun.get("timeout", float("inf"))
        # Of a transaction of which the broker knows nothing yet an abort may meet the one before it, not quite ended.
        is_unknown = error == "INVALID_TXN_STATE" and event["of"] == "abort" and not any(
            value in facts.acknowledged for value in transaction.values)
        # kproduce gives up when there is no broker for some seconds.
        is_unreachable = event["of"] == "kproduce" and facts.seconds_away(since, now) >= PATIENCE_SECONDS
        if not (is_fenced or has_expired or is_unknown or is_unreachable or error in REBALANCES):
            yield REFUSED, f"{event['of']} of {transaction.name} failed after {seconds:.1f} s: {error}"


CHECKS = [order, origin, fencing, service]
