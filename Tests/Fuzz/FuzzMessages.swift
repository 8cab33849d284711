/// Messages: whatever is accepted must be written and read again to the same bytes, in any version.
enum FuzzMessages {
    /// The API's key, a version, and a request's body.
    static func request(_ input: UnsafeRawBufferPointer) {
        withApi(of: input) { type, version, body in check(type, version, body) }
    }

    static func response(_ input: UnsafeRawBufferPointer) {
        withApi(of: input) { type, version, body in checkResponse(type, version, body) }
    }

    /// A frame without its length, as a broker gets it.
    static func header(_ input: UnsafeRawBufferPointer) {
        let frame = Bytes(copying: input)
        guard let start = try? RequestHeader.peek(frame), let api = ApiTable.api(start.key) else { return }
        guard api.versions.contains(start.version) else { return }
        let headerVersion = api.requestHeaderVersion(start.version)
        guard let (_, position) = try? RequestHeader.read(frame, headerVersion: headerVersion) else { return }
        guard position <= frame.count else { fatalError("a header that is longer than its frame") }
        guard let type = ApiTable.all.first(where: { $0.api.key == start.key }) else { return }
        check(type, start.version, frame.slice(position..<frame.count))
    }

    static func metadataRecord(_ input: UnsafeRawBufferPointer) {
        guard let record = try? MetadataLogRecord(value: Bytes(copying: input)) else { return }
        guard let value = try? record.value() else { return }
        guard let again = try? MetadataLogRecord(value: value), again == record else {
            fatalError("a metadata record that does not come back")
        }
    }

    private typealias Check = (_ type: any ApiRequest.Type, _ version: Int16, _ body: Bytes) -> Void

    private static func withApi(of input: UnsafeRawBufferPointer, _ check: Check) {
        guard input.count >= 2, let type = ApiTable.all.first(where: { $0.api.key.rawValue == Int16(input[0]) }) else {
            return
        }
        let version = Int16(input[1])
        guard type.api.versions.contains(version) else { return }
        check(type, version, Bytes(copying: UnsafeRawBufferPointer(rebasing: input[2...])))
    }

    private static func check<R: ApiRequest>(_ type: R.Type, _ version: Int16, _ body: Bytes) {
        roundTrip(R.self, version, R.api.isFlexible(version), body)
    }

    private static func checkResponse<R: ApiRequest>(_ type: R.Type, _ version: Int16, _ body: Bytes) {
        roundTrip(R.Response.self, version, R.api.isFlexible(version), body)
    }

    private static func roundTrip<M: WireStruct>(_: M.Type, _ version: Int16, _ flexible: Bool, _ body: Bytes) {
        guard let message = read(M.self, version, flexible, body) else { return }
        guard let once = written(message, version, flexible) else { fatalError("read, but cannot be written") }
        guard let again = read(M.self, version, flexible, once) else { fatalError("written, but cannot be read") }
        guard written(again, version, flexible) == once else { fatalError("written twice, in two ways") }
    }

    private static func read<M: WireStruct>(_: M.Type, _ version: Int16, _ flexible: Bool, _ body: Bytes) -> M? {
        var decoder = WireDecoder(body, version: version, flexible: flexible)
        guard let message = try? M.read(&decoder), (try? decoder.finish()) != nil else { return nil }
        return message
    }

    private static func written<M: WireStruct>(_ message: M, _ version: Int16, _ flexible: Bool) -> Bytes? {
        var encoder = WireEncoder(version: version, flexible: flexible)
        guard (try? message.write(&encoder)) != nil else { return nil }
        return encoder.bytes()
    }
}
