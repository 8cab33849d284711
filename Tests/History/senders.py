"""What is promised to who sends: that what it sends stands where it was sent to, in the order in which it was sent."""

from finding import DISORDER


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


CHECKS = [order]
