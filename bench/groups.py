"""Groups: how long 1,000 members take to rebalance, and how fast 1,000 groups of one member commit.

Every member has a connection of its own; requests are made by hand, in one thread, so that what is measured is the broker.
"""

import select
import socket
import struct
import time

from broker import Broker
from table import row
from wire import request, string

MEMBERS = 1000
SECONDS = 4
JOIN, HEARTBEAT, SYNC, COMMIT, FIND, CREATE = 11, 12, 14, 8, 10, 19


class Members:
    """Connections that send a request each and wait for all answers."""

    def __init__(self, address, count):
        host, port = address.split(":")
        self.sockets = [socket.create_connection((host, int(port))) for _ in range(count)]
        self.poll = select.epoll()
        self.by_number = {}
        for index, one in enumerate(self.sockets):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.setblocking(False)
            self.poll.register(one, select.EPOLLIN)
            self.by_number[one.fileno()] = index

    def ask(self, frames, seconds=60):
        """Sends each connection its frame; returns the bodies of the answers, behind the correlation id."""
        for one, frame in zip(self.sockets, frames):
            one.send(frame)
        answers, parts, missing = [None] * len(frames), [b""] * len(frames), len(frames)
        deadline = time.monotonic() + seconds
        while missing:
            assert time.monotonic() < deadline, f"{missing} answers are missing"
            for number, _ in self.poll.poll(1):
                index = self.by_number[number]
                parts[index] += self.sockets[index].recv(1 << 20)
                if len(parts[index]) >= 4 and len(parts[index]) - 4 >= struct.unpack(">i", parts[index][:4])[0]:
                    answers[index], missing = parts[index][8:], missing - 1
        return answers

    def close(self):
        for one in self.sockets:
            one.close()


def read_string(data, at):
    size = struct.unpack_from(">h", data, at)[0]
    return data[at + 2:at + 2 + max(size, 0)].decode(), at + 2 + max(size, 0)


def join(group, member, session_ms=60_000, turn=0):
    # A member that joins again and wants nothing else stays in its generation, unless it leads.
    metadata = (b"%d" % turn).ljust(60, b"m")
    return request(JOIN, 2, string(group) + struct.pack(">ii", session_ms, 60_000) + string(member) + string("bench")
                   + struct.pack(">i", 1) + string("one") + struct.pack(">i", len(metadata)) + metadata)


def joined(answer):
    """Error, generation, leader, own id and the ids of the members."""
    error, generation = struct.unpack_from(">hi", answer, 4)
    _, at = read_string(answer, 10)
    leader, at = read_string(answer, at)
    member, at = read_string(answer, at)
    (count,), members = struct.unpack_from(">i", answer, at), []
    at += 4
    for _ in range(count):
        name, at = read_string(answer, at)
        members.append(name)
        at += 4 + struct.unpack_from(">i", answer, at)[0]
    return error, generation, leader, member, members


def sync(group, generation, member, plan=()):
    body = string(group) + struct.pack(">i", generation) + string(member) + struct.pack(">i", len(plan))
    return request(SYNC, 1, body + b"".join(string(name) + struct.pack(">i", 60) + b"a" * 60 for name in plan))


def rebalance(members, group, ids, turn=0):
    """All join and fetch their assignment. Returns the seconds it took, the members' ids and the generation."""
    begun = time.perf_counter()
    answers = [joined(a) for a in members.ask([join(group, one, turn=turn) for one in ids])]
    assert all(a[0] == 0 for a in answers), {a[0] for a in answers}
    generation, leader = answers[0][1], answers[0][2]
    assert {a[1] for a in answers} == {generation}
    names = next(a[4] for a in answers if a[3] == leader)
    frames = [sync(group, generation, a[3], names if a[3] == leader else ()) for a in answers]
    assert all(struct.unpack_from(">h", a, 4)[0] == 0 for a in members.ask(frames))
    return time.perf_counter() - begun, [a[3] for a in answers], generation


def commit(group, generation, member, offset):
    body = string(group) + struct.pack(">i", generation) + string(member) + struct.pack(">q", -1)
    return request(COMMIT, 2, body + struct.pack(">i", 1) + string("work") + struct.pack(">iiq", 1, 0, offset)
                   + string("note"))


def measure_rebalance(broker):
    members = Members(broker.address, MEMBERS)
    members.ask([request(FIND, 0, string("large"))] + [request(FIND, 0, string("large"))] * (MEMBERS - 1))
    _, ids, generation = rebalance(members, "large", [""] * MEMBERS)
    beat = string("large") + struct.pack(">i", generation)
    took = []
    for turn in range(1, 6):
        seconds, ids, generation = rebalance(members, "large", ids, turn)
        took.append(seconds)
    members.close()
    best = min(took)
    row(f"rebalance of {MEMBERS:,} members, join to assignment", f"{best * 1000:.0f} ms (worst {max(took) * 1000:.0f})",
        "", "", "below 1 s", max(took) < 1)


def measure_commits(broker):
    members = Members(broker.address, MEMBERS)
    groups = [f"group-{number}" for number in range(MEMBERS)]
    answers = [joined(a) for a in members.ask([join(group, "") for group in groups])]
    assert all(a[0] == 0 for a in answers)
    frames = [sync(group, a[1], a[3], [a[3]]) for group, a in zip(groups, answers)]
    assert all(struct.unpack_from(">h", a, 4)[0] == 0 for a in members.ask(frames))
    frames = [commit(group, a[1], a[3], 42) for group, a in zip(groups, answers)]
    assert all(a[-2:] == b"\0\0" for a in members.ask(frames))
    before, begun, done = broker.cpu_seconds(), time.perf_counter(), 0
    for one, frame in zip(members.sockets, frames):
        one.send(frame)
    while time.perf_counter() - begun < SECONDS:
        for number, _ in members.poll.poll(1):
            index = members.by_number[number]
            answer = members.sockets[index].recv(4096)
            assert answer.endswith(b"\0\0"), answer
            done += 1
            members.sockets[index].send(frames[index])
    took, cpu = time.perf_counter() - begun, broker.cpu_seconds() - before
    members.close()
    per_core = done / max(cpu, 0.01)
    row(f"commits of {MEMBERS:,} groups, one offset each", f"{done / took:,.0f}/s, {per_core:,.0f} a second of CPU",
        "", "", "20,000/s on one core", per_core >= 20_000)
    now, peak = broker.rss_mb()
    row("broker memory with them", f"{now:.1f} MiB", f"peak {peak:.1f} MiB", "", "below 100 MB", peak * 1.048576 < 100)


def measure():
    broker = Broker(group_initial_rebalance_delay_ms=300, group_min_session_timeout_ms=1000)
    try:
        create = struct.pack(">i", 1) + string("work") + struct.pack(">ihii", 1, 1, 0, 0) + struct.pack(">i", 10_000)
        first = Members(broker.address, 1)
        first.ask([request(CREATE, 0, create)])
        first.close()
        measure_rebalance(broker)
        measure_commits(broker)
    finally:
        broker.close()
