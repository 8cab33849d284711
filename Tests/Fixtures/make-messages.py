#!/usr/bin/env python3
"""Writes messages.txt, with which MessageFixtureTests hold the descriptions in Sources/KCore/Messages.

    make-messages.py DEFINITIONS [NAME...] > messages.txt

DEFINITIONS is a folder with Apache Kafka's message definitions: messages/*.json, metadata/*.json,
group-coordinator/*.json and transaction-coordinator/*.json. Neither the build nor the tests need it: the result is
committed. NAMEs print the values behind single messages instead, to see where a description differs.

All that is written comes from the definitions alone. Each line is one message:

    request|response|record|control|versioned  name  version  hash of all values by field name  hex

and in front of them stands a line for each API and record: `api key name versions flexible`,
`metadata key name versions`, `struct name versions flexible`.
A field that a version does not have counts with its default, so that defaults are held as well. There are up to
four messages a version: all defaults, a full one, and two mixed ones with nulls and empty arrays.
"""
import json
import os
import re
import struct
import sys

APIS = """Produce Fetch ListOffsets Metadata OffsetCommit OffsetFetch FindCoordinator JoinGroup Heartbeat LeaveGroup
SyncGroup DescribeGroups ListGroups ApiVersions CreateTopics DeleteTopics DeleteRecords InitProducerId
OffsetForLeaderEpoch AddPartitionsToTxn AddOffsetsToTxn EndTxn WriteTxnMarkers TxnOffsetCommit DescribeConfigs AlterConfigs DescribeLogDirs CreatePartitions
DeleteGroups IncrementalAlterConfigs OffsetDelete DescribeCluster DescribeProducers
DescribeTransactions ListTransactions ConsumerGroupHeartbeat ConsumerGroupDescribe""".split()
RECORDS = """RegisterBroker UnregisterBroker Topic Partition Config PartitionChange FenceBroker UnfenceBroker RemoveTopic
FeatureLevel ProducerIds BrokerRegistrationChange NoOp BeginTransaction EndTransaction AbortTransaction
RegisterController ZkMigration AccessControlEntry RemoveAccessControlEntry UserScramCredential RemoveUserScramCredential
ClientQuota DelegationToken RemoveDelegationToken""".split()
CONTROLS = "LeaderChangeMessage SnapshotHeaderRecord SnapshotFooterRecord KRaftVersionRecord VotersRecord".split()
GROUPS = """OffsetCommit GroupMetadata ConsumerGroupMetadata ConsumerGroupPartitionMetadata ConsumerGroupMemberMetadata
ConsumerGroupTargetAssignmentMetadata ConsumerGroupTargetAssignmentMember ConsumerGroupCurrentMemberAssignment""".split()
VERSIONED = [f"group-coordinator/{name}{part}" for name in GROUPS for part in ("Key", "Value")]
VERSIONED += ["transaction-coordinator/TransactionLogKey", "transaction-coordinator/TransactionLogValue"]
VERSIONED += ["messages/ConsumerProtocolSubscription", "messages/ConsumerProtocolAssignment"]

NUMBERS = {"int8": "b", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "float64": "d"}
FOREVER = 32767


class Random:
    """SplitMix64: the same on every machine and Python."""

    def __init__(self, seed):
        self.state = fnv1a(seed.encode())

    def below(self, limit):
        self.state = (self.state + 0x9E3779B97F4A7C15) & (2**64 - 1)
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
        return (z ^ (z >> 31)) % limit


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & (2**64 - 1)
    return value


def versions(text):
    """The first and last version of a range such as `3+`, `0-4`, `7` or `none`."""
    if text == "none":
        return (1, 0)
    if text.endswith("+"):
        return (int(text[:-1]), FOREVER)
    first, _, last = text.partition("-")
    return (int(first), int(last or first))


def has(text, version):
    first, last = versions(text)
    return first <= version <= last


def load(path):
    with open(path) as file:
        return json.loads(re.sub(r"^\s*//.*$", "", file.read(), flags=re.M))


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Message:
    """One message: its values are drawn, dumped and encoded in one walk over the definition."""

    def __init__(self, definition, version, mode, random):
        self.version, self.mode, self.random = version, mode, random
        self.flexible = has(definition["flexibleVersions"], version)
        self.structs = {s["name"]: s["fields"] for s in definition.get("commonStructs", [])}
        self.own_version = definition["type"] == "data"
        self.bytes, self.dump = self.structure(definition["fields"])

    # A value is (bytes, dump): how it goes over the wire, and how the test prints it.

    def structure(self, fields):
        body, dumps, tags = b"", {}, {}
        for field in fields:
            name = field["name"][0].lower() + field["name"][1:]
            if not has(field.get("versions") or field["taggedVersions"], self.version):
                dumps[name] = self.default(field)[1]
            elif "tag" in field and has(field["taggedVersions"], self.version):
                default = self.default(field)
                value = default if self.mode == "default" or self.random.below(3) == 0 else self.value(field, True)
                if value[1] != default[1]:
                    tags[int(field["tag"])] = value[0]
                dumps[name] = value[1]
            else:
                encoded, dumps[name] = self.value(field, False)
                body += encoded
        unknown = []
        if self.flexible:
            if self.mode != "default" and self.random.below(3) == 0:
                known = {int(f["tag"]) for f in fields if "tag" in f and has(f["taggedVersions"], self.version)}
                for tag in (self.random.below(6), 40 + self.random.below(10), 300 + self.random.below(9**8)):
                    if tag not in known and self.random.below(2):
                        tags[tag] = self.blob(self.random.below(6))
                        unknown.append((tag, tags[tag]))
            body += varint(len(tags))
            for tag in sorted(tags):
                body += varint(tag) + varint(len(tags[tag])) + tags[tag]
        dumps["unknownTags"] = "[" + ",".join(f"{tag}:{data.hex()}" for tag, data in unknown) + "]"
        return body, "{" + ",".join(f"{name}={dumps[name]}" for name in sorted(dumps)) + "}"

    def value(self, field, tagged):
        kind = field["type"]
        nullable = has(field.get("nullableVersions", "none"), self.version)
        if self.mode == "default":
            return self.default(field)
        if nullable and self.random.below(6 if self.mode == "full" else 2) == 0:
            return self.null(kind)
        if kind.startswith("[]"):
            count = self.random.below(3) if self.mode == "mixed" else 1 + self.random.below(3)
            values = [self.single(field, kind[2:], False) for _ in range(count)]
            return self.length(count, 4) + b"".join(v[0] for v in values), "[" + ",".join(v[1] for v in values) + "]"
        return self.single(field, kind, nullable)

    def single(self, field, kind, nullable):
        draw = self.random.below
        if kind in NUMBERS and field["name"] == "Version" and self.own_version:
            return self.number(kind, self.version)
        if kind == "float64":
            return self.number(kind, draw(2**40) / 1024)
        if kind in NUMBERS:
            bits = 8 * struct.calcsize(NUMBERS[kind])
            low = 0 if kind.startswith("u") else -(2 ** (bits - 1))
            edge = [0, 1, -1 if low else 2, low, low + 2**bits - 1]
            return self.number(kind, edge[draw(5)] if draw(4) == 0 else low + draw(2**bits))
        if kind == "bool":
            return self.boolean(draw(2) == 1)
        if kind == "uuid":
            return self.uuid(self.blob(16))
        if kind == "string":
            return self.string(["", "a", "topic-1", "überß", "日本", "😀.x", "n" * (100 + draw(60))][draw(7)])
        if kind in ("bytes", "records"):
            return self.block(self.blob([0, 1, 7, 130][draw(4)]))
        encoded, dump = self.structure(field.get("fields") or self.structs[kind])
        return (b"\x01" if nullable else b"") + encoded, dump

    def default(self, field):
        kind, given = field["type"], field.get("default")
        if "default" in field:
            given = "null" if given is None else str(given)
        # The definitions leave a nullable string without a default empty; nothing is the better "nothing", so the
        # descriptions take null, and the bytes of the empty message are written with it.
        if "nullableVersions" in field and (given == "null" or kind == "records" or kind == "string" and given is None):
            if has(field["nullableVersions"], self.version) or not has(field.get("versions", "0+"), self.version):
                return self.null(kind)
        if kind.startswith("[]"):
            return self.length(0, 4), "[]"
        if kind in NUMBERS and field["name"] == "Version" and self.own_version:
            return self.number(kind, self.version)
        if kind == "float64":
            return self.number(kind, float(given or 0))
        if kind in NUMBERS:
            return self.number(kind, int(given or "0", 0))
        if kind == "bool":
            return self.boolean(given == "true")
        if kind == "uuid":
            return self.uuid(bytes(16))
        if kind == "string":
            return self.string("" if given in (None, "null") else given)
        if kind in ("bytes", "records"):
            return self.block(b"")
        before, self.mode = self.mode, "default"
        value = self.structure(field.get("fields") or self.structs[kind])
        self.mode = before
        return value

    def null(self, kind):
        if kind == "string":
            return self.length(-1, 2), "null"
        if kind.startswith("[]") or kind in ("bytes", "records"):
            return self.length(-1, 4), "null"
        return b"\xff", "null"

    def length(self, count, width):
        return varint(count + 1) if self.flexible else count.to_bytes(width, "big", signed=True)

    def number(self, kind, value):
        return struct.pack(">" + NUMBERS[kind], value), str(value)

    def boolean(self, value):
        return bytes([value]), "true" if value else "false"

    def uuid(self, value):
        return value, value.hex()

    def string(self, value):
        data = value.encode()
        return self.length(len(data), 2) + data, f'"{value}"'

    def block(self, value):
        return self.length(len(value), 4) + value, value.hex()

    def blob(self, count):
        return bytes(self.random.below(256) for _ in range(count))


def messages(kind, definition):
    first, last = versions(definition["validVersions"])
    for version in range(first, last + 1):
        seen = set()
        for mode in ("default", "full", "mixed", "mixed"):
            message = Message(definition, version, mode, Random(f"{definition['name']} {version} {mode} {len(seen)}"))
            frame = b""
            if kind == "record":
                frame = varint(1) + varint(definition["apiKey"]) + varint(version)
            if kind == "versioned":
                frame = struct.pack(">h", version)
            if message.bytes not in seen:
                seen.add(message.bytes)
                yield kind, definition["name"], version, message.dump, frame + message.bytes


def main():
    root, names = sys.argv[1], sys.argv[2:]
    heads, found = [], []
    for api in APIS:
        for kind in ("request", "response"):
            d = load(os.path.join(root, "messages", api + kind.capitalize() + ".json"))
            found.append((kind, d))
        flexible = versions(d["flexibleVersions"])[0] if d["flexibleVersions"] != "none" else "none"
        heads.append(f"api {d['apiKey']} {api} {d['validVersions']} {flexible}")
    for record in RECORDS:
        d = load(os.path.join(root, "metadata", record + "Record.json"))
        heads.append(f"metadata {d['apiKey']} {d['name']} {d['validVersions']}")
        found.append(("record", d))
    for name in CONTROLS:
        found.append(("control", load(os.path.join(root, "messages", name + ".json"))))
    for path in VERSIONED:
        d = load(os.path.join(root, path + ".json"))
        flexible = versions(d["flexibleVersions"])[0] if d["flexibleVersions"] != "none" else "none"
        heads.append(f"struct {d['name']} {d['validVersions']} {flexible}")
        found.append(("versioned", d))
    if not names:
        print("\n".join(heads))
    for kind, definition in found:
        for kind, name, version, dump, data in messages(kind, definition):
            if name in names:
                print(kind, name, version, dump, data.hex())
            elif not names:
                print(kind, name, version, f"{fnv1a(dump.encode()):016x}", data.hex())


main()
