"""What may be wrong with a history."""

from dataclasses import dataclass

LOST = "lost"
DUPLICATE = "duplicate"
ABORTED_READ = "aborted read"
OPEN_READ = "open read"
INCONSISTENT = "inconsistent offset"
SKIPPED = "skipped"
NON_MONOTONIC = "non-monotonic"
TORN = "torn transaction"
POSITION = "position"
DISORDER = "disorder"
PHANTOM = "phantom"
FENCED = "fenced"
REFUSED = "refused"
STUCK = "stuck"
OWNERS = "two owners"


@dataclass(frozen=True)
class Finding:
    kind: str
    text: str

    def __str__(self):
        return f"{self.kind}: {self.text}"
