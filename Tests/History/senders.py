"""What is promised to who sends: that what it sends stands where it was sent to, in the order in which it was sent."""

from finding import DISORDER, PHANTOM


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


CHECKS = [order, origin]
