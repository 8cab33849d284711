"""The table that bench/run prints. A part of it is a file here with a function `measure()` that adds rows."""

import sys

HEAD = ("figure", "here", "other", "ratio", "wanted", "holds")
rows = []


def row(figure, ours, other="", ratio="", wanted="", holds=None):
    """Adds a row: what was measured here, what it is compared to in the same run, what was wanted and whether it holds."""
    rows.append((figure, ours, other, ratio, wanted, {True: "yes", False: "NO", None: ""}[holds]))
    print(f"  {figure}: {ours} {other}", file=sys.stderr)


def show():
    widths = [max(len(r[i]) for r in [HEAD, *rows]) for i in range(len(HEAD))]
    print()
    for r in [HEAD, tuple("-" * w for w in widths), *rows]:
        print("  ".join(cell.ljust(w) for cell, w in zip(r, widths)).rstrip())
