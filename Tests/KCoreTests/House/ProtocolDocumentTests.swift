import Foundation
import Testing

@testable import KCore

/// `docs/protocol.md` is written from the code; `make docs` writes it anew.
@Suite struct ProtocolDocumentTests {
    static let path = "docs/protocol.md"

    @Test func `the document is what the code says`() throws {
        if ProcessInfo.processInfo.environment["KAFKA_WRITE_DOCS"] != nil {
            let file = SourceTree.root.appending(path: Self.path)
            try ProtocolDocument.text.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(SourceTree.text(of: Self.path) == ProtocolDocument.text, "stale: type `make docs`")
    }
}

enum ProtocolDocument {
    static var text: String {
        """
        # Protocol

        Written from the code by `make docs`; a test fails when it is stale.

        Each message is described once in `Sources/KCore/Messages`, for both directions and all of these versions.
        From the flexible version on, lengths are compact and every structure ends with a section of tagged fields (KIP-482).

        `kbroker` answers those that say so; the others are described for what is to come.

        | key | API | versions | flexible from | kbroker |
        | ---: | --- | --- | --- | --- |
        \(rows)

        """
    }

    private static var rows: String {
        ApiTable.all.map { request in
            let api = request.api
            let flexible = api.firstFlexible.map { api.versions.upperBound >= $0 ? "\($0)" : "" } ?? ""
            let answers = Route.find(api.key) == nil ? "no" : "answers"
            return "| \(api.key.rawValue) | \(api.key.name) | \(span(api.versions)) | \(flexible) | \(answers) |"
        }.joined(separator: "\n")
    }

    private static func span(_ versions: ClosedRange<Int16>) -> String {
        versions.count == 1 ? "\(versions.lowerBound)" : "\(versions.lowerBound)-\(versions.upperBound)"
    }
}
