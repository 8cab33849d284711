import Testing

@testable import KCore

@Suite struct FramingTests {
    @Test func `a request has header 1, without tags, before its first flexible version`() throws {
        let frame = try bytes(Framing.request(DeleteRecordsRequest(), version: 1, correlationId: 7, clientId: "me"))
        #expect(frame.hex == "00000014" + "0015" + "0001" + "00000007" + "00026d65" + "00000000" + "00000000")
        let (header, position) = try RequestHeader.read(Bytes(Array(frame[4...])), headerVersion: 1)
        #expect(header == RequestHeader(apiKey: .deleteRecords, apiVersion: 1, correlationId: 7, clientId: "me"))
        #expect(position == 12)
    }

    @Test func `a flexible request has header 2, whose client id keeps its 16-bit length`() throws {
        let frame = try bytes(Framing.request(DeleteRecordsRequest(), version: 2, correlationId: 7, clientId: nil))
        #expect(frame.hex == "00000011" + "0015" + "0002" + "00000007" + "ffff" + "00" + "01" + "00000000" + "00")
        let (header, position) = try RequestHeader.read(Bytes(Array(frame[4...])), headerVersion: 2)
        #expect(header.clientId == nil)
        #expect(position == 11)
    }

    @Test func `header 0 is that of the first ControlledShutdown alone, and has no client id`() throws {
        let api = Api(.controlledShutdown, versions: 0...3, flexible: 3)
        #expect((0...3).map { api.requestHeaderVersion($0) } == [0, 1, 1, 2])
        let (header, position) = try RequestHeader.read([0, 7, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1], headerVersion: 0)
        #expect(header == RequestHeader(apiKey: .controlledShutdown, apiVersion: 0, correlationId: 9, clientId: nil))
        #expect(position == 8)
    }

    @Test func `tags in a request's header are kept`() throws {
        let (header, position) = try RequestHeader.read(
            [0, 3, 0, 9, 0, 0, 0, 1, 0, 1, 0x63, 1, 6, 2, 0xAA, 0xBB, 0x99], headerVersion: 2)
        #expect(header.clientId == "c")
        #expect(header.unknownTags == [UnknownTag(tag: 6, value: [0xAA, 0xBB])])
        #expect(position == 16)
    }

    @Test func `a header that is cut off is refused`() {
        let header: [UInt8] = [0, 3, 0, 9, 0, 0, 0, 1, 0, 1, 0x63, 1, 6, 2, 0xAA, 0xBB]
        for end in header.indices {
            #expect(throws: WireError.self) { try RequestHeader.read(Bytes(Array(header[..<end])), headerVersion: 2) }
        }
    }

    @Test func `a flexible response has a tag section in its header`() throws {
        let response = DeleteRecordsResponse(throttleTimeMs: 5)
        let frame = try bytes(
            Framing.response(response, api: DeleteRecordsRequest.api, version: 2, correlationId: 7))
        #expect(frame.hex == "0000000b" + "00000007" + "00" + "00000005" + "01" + "00")
        let read = try Framing.readResponse(to: DeleteRecordsRequest.self, Bytes(Array(frame[4...])), version: 2)
        #expect(read.correlationId == 7)
        #expect(read.response == response)
    }

    @Test func `ApiVersions answers without tags in the header, so that every client can read it`() throws {
        for version in ApiVersionsRequest.api.versions {
            let response = ApiVersionsResponse(errorCode: .unsupportedVersion)
            let frame = try bytes(
                Framing.response(response, api: ApiVersionsRequest.api, version: version, correlationId: 7))
            // The error code follows the correlation id directly.
            #expect(Array(frame[8..<10]) == [0, 35])
        }
    }

    @Test func `a response with bytes behind it is refused`() {
        #expect(throws: WireError.trailingBytes(1)) {
            try Framing.readResponse(
                to: DeleteRecordsRequest.self, [0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF], version: 1)
        }
    }

    private func bytes(_ frame: Frame) throws -> [UInt8] { try #require(frame.loaded()) }
}
