import Testing

@testable import KCore

@Suite struct MetadataRecordTests {
    @Test func `a value is frame version 1, the record's number, its version and its fields`() throws {
        let record = TopicRecord(name: "t", topicId: Uuid(high: 1, low: 2))
        #expect(try record.framed().array.hex == "010200" + "0274" + "00000000000000010000000000000002" + "00")
        #expect(try MetadataLogRecord(value: record.framed()) == .topic(record))
    }

    @Test func `a record is written in the oldest version that holds all of it`() throws {
        var partition = PartitionRecord(replicas: [1])
        #expect(try version(of: partition.framed()) == 0)
        partition.directories = [.zero]
        #expect(try version(of: partition.framed()) == 1)
        partition.eligibleLeaderReplicas = []
        #expect(try version(of: partition.framed()) == 2)

        var change = PartitionChangeRecord(leader: 3)
        #expect(try version(of: change.framed()) == 0)
        change.directories = []
        #expect(try version(of: change.framed()) == 1)
        change.lastKnownElr = [1]
        #expect(try version(of: change.framed()) == 2)

        #expect(try version(of: RegisterBrokerRecord().framed()) == 0)
        #expect(try version(of: RegisterBrokerRecord(inControlledShutdown: true).framed()) == 1)
        #expect(try version(of: RegisterBrokerRecord(isMigratingZkBroker: true).framed()) == 2)
        #expect(try version(of: RegisterBrokerRecord(logDirs: [.zero]).framed()) == 3)

        #expect(try version(of: BrokerRegistrationChangeRecord(fenced: 1).framed()) == 0)
        #expect(try version(of: BrokerRegistrationChangeRecord(inControlledShutdown: 1).framed()) == 1)
        #expect(try version(of: BrokerRegistrationChangeRecord(logDirs: [.zero]).framed()) == 2)
    }

    @Test func `nothing is lost by writing a version that is too old`() {
        #expect(throws: WireError.noFieldInVersion(0)) { try PartitionRecord(directories: [.zero]).framed(version: 0) }
        #expect(throws: WireError.unsupportedVersion(apiKey: 2, version: 1)) { try TopicRecord().framed(version: 1) }
    }

    @Test func `a record of another kind or version keeps its bytes`() throws {
        for bytes in [[1, 0x7E, 0, 9, 9], [1, 2, 1, 9, 9, 9], [1, 0xFF, 0xFF, 0x01, 0]] as [Bytes] {
            let record = try MetadataLogRecord(value: bytes)
            guard case .unknown = record else {
                Issue.record("\(record)")
                continue
            }
            #expect(try record.value() == bytes)
        }
    }

    @Test func `a quota that is not a number comes back as it was`() throws {
        let value = try ClientQuotaRecord(key: "k", value: Double(bitPattern: 0xFFFF_FFFF_FFFF_FF0D)).framed()
        let record = try MetadataLogRecord(value: value)
        #expect(try MetadataLogRecord(value: record.value()) == record)
        #expect(try record.value() == value)
    }

    @Test func `a frame that this build does not know is refused`() {
        #expect(throws: WireError.unsupportedVersion(apiKey: -1, version: 2)) {
            try MetadataLogRecord(value: [2, 2, 0])
        }
        #expect(throws: WireError.badVarint) { try MetadataLogRecord(value: [1, 0x80, 0x80, 0x02, 0]) }
        #expect(throws: WireError.truncated(needed: 1, available: 0)) { try MetadataLogRecord(value: [1, 2]) }
    }

    @Test func `a control record that is too new is read as far as it is known`() throws {
        var message = LeaderChangeMessage(version: 1, leaderId: 3, voters: [.init(voterId: 3, voterDirectoryId: .zero)])
        var bytes = try message.value().array
        #expect(try LeaderChangeMessage(value: Bytes(bytes)) == message)
        bytes[1] = 2
        message.version = 2
        #expect(try LeaderChangeMessage(value: Bytes(bytes)) == message)
        #expect(throws: WireError.badLength(2)) { try message.value() }
    }

    private func version(of value: Bytes) throws -> Int16 {
        var decoder = WireDecoder(value, version: 0, flexible: true)
        return try MetadataRecordFrame.read(&decoder).version
    }
}
