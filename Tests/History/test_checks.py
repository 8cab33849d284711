"""The checker finds nothing in histories that are right, and each fault in one where it was planted, once."""

import pytest

from checks import check
from model import FAULTS, Model


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_nothing_is_found_where_nothing_is_wrong(first):
    for seed in range(first, first + 50):
        assert check(Model(seed).events) == [], f"seed {seed}"


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found(fault):
    planted = 0
    for seed in range(40):
        model = Model(seed, fault)
        found = {finding.kind for finding in check(model.events)}
        if model.planted:
            planted += 1
            assert found & FAULTS[fault], f"seed {seed}: {found or 'nothing'}"
    assert planted >= 20, f"planted in {planted} histories only"


def test_a_history_without_a_last_reading_is_judged_by_what_was_polled():
    events = Model(1, "a poll goes back").events
    cut = next(i for i, event in enumerate(events) if event.get("reader") == "all-rc")
    assert {finding.kind for finding in check(events[:cut])} == {"non-monotonic"}


@pytest.mark.parametrize("stalled, found", [(0, {"refused"}), (5, {"refused"}), (20, set())])
def test_a_transaction_expires_when_nobody_gets_a_turn_but_not_when_the_broker_is_slow(stalled, found):
    events = [{"type": "begin", "time": 1, "by": "a", "transaction": "a-1", "timeout": 8},
              {"type": "stalled", "time": 1 + stalled, "seconds": stalled},
              {"type": "failed", "time": 41, "transaction": "a-1", "of": "commit", "error": "INVALID_PRODUCER_EPOCH"}]
    assert {finding.kind for finding in check(events)} == found
