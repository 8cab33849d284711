import Testing

/// The folders of KCore are layers: a file names only types of its own folder and of those above it.
@Suite struct LayerTests {
    static let order = [
        "Base", "Wire", "Messages", "Records", "Log", "Net", "Cluster", "Replication", "Coordination", "Groups",
        "Transactions", "Broker", "Client", "CLI",
    ]
    /// The client stands beside the broker, not on top of it.
    static let clientUses: Set = ["Base", "Wire", "Messages", "Records", "Net"]

    static func mayUse(_ layer: String, _ other: String) -> Bool {
        if layer == other { return true }
        if layer == "Client" { return clientUses.contains(other) }
        guard let from = order.firstIndex(of: layer), let to = order.firstIndex(of: other) else { return false }
        return to < from
    }

    @Test func `a folder uses only the folders above it`() {
        let files = SourceTree.swiftFiles(below: "Sources/KCore")
        #expect(files.count > 20)
        #expect(Layers(files).arrowsAgainst(LayerTests.mayUse).joined(separator: "\n") == "")
    }

    @Test func `every folder of KCore has its place in the order`() {
        for folder in SourceTree.folders(in: "Sources/KCore") { #expect(LayerTests.order.contains(folder)) }
    }

    @Test func `no file of KCore lies outside of a folder`() {
        for file in SourceTree.swiftFiles(below: "Sources/KCore") { #expect(file.layer != nil, "\(file.path)") }
    }

    @Test func `an arrow against the order is seen`() {
        let layers = Layers([
            .init(path: "Sources/KCore/Wire/A.swift", text: "struct Reader {\n var log: SegmentedLog? }"),
            .init(path: "Sources/KCore/Log/B.swift", text: "final class SegmentedLog { var reader: Reader? }"),
        ])
        let arrow = "Sources/KCore/Wire/A.swift:2: Wire uses Log (SegmentedLog)"
        #expect(layers.arrowsAgainst(LayerTests.mayUse) == [arrow])
    }

    @Test func `comments, texts, members and names of its own are no uses`() {
        let layers = Layers([
            .init(
                path: "Sources/KCore/Wire/A.swift",
                text: """
                    /// Unlike ``SegmentedLog``. /* SegmentedLog */
                    struct Reader { struct Entry {}; var x = "SegmentedLog"; var y = Other.SegmentedLog(); var z: Entry }
                    """),
            .init(path: "Sources/KCore/Log/B.swift", text: "final class SegmentedLog {}; struct Entry {}"),
        ])
        #expect(layers.arrowsAgainst(LayerTests.mayUse).isEmpty)
    }

    @Test func `a type inside of another hides a name only in that type`() {
        let layers = Layers([
            .init(path: "Sources/KCore/Wire/A.swift", text: "struct Reader { struct Log {} }\nstruct Other {}"),
            .init(
                path: "Sources/KCore/Wire/Reader+b.swift",
                text:
                    "extension Reader { var a: Log; class func b() { if true { _ = Log() } } }\nextension Reader.Log { var c: Log }"
            ),
            .init(path: "Sources/KCore/Wire/C.swift", text: "extension Other where A == B { var a: Log }\nlet b: Log?"),
            .init(path: "Sources/KCore/Log/B.swift", text: "final class Log {}"),
        ])
        #expect(
            layers.arrowsAgainst(LayerTests.mayUse) == [
                "Sources/KCore/Wire/C.swift:1: Wire uses Log (Log)",
                "Sources/KCore/Wire/C.swift:2: Wire uses Log (Log)",
            ])
    }

    @Test func `code inside of a text is a use`() {
        let layers = Layers([
            .init(path: "Sources/KCore/Wire/A.swift", text: #"let x = "a \(SegmentedLog("}")) b" + """# + "\n}"),
            .init(path: "Sources/KCore/Log/B.swift", text: "final class SegmentedLog {}"),
        ])
        #expect(layers.arrowsAgainst(LayerTests.mayUse).count == 1)
    }
}

/// Who names whom, folder by folder.
struct Layers {
    private var files: [(file: SourceTree.File, layer: String, tokens: SwiftTokens)] = []
    /// The one folder that declares a name at file level.
    private var owner: [String: String] = [:]
    /// By folder, and by the type that they are right inside of.
    private var nested: [String: [String: Set<String>]] = [:]

    init(_ sources: [SourceTree.File]) {
        var owners: [String: Set<String>] = [:]
        for file in sources {
            guard let layer = file.layer else { continue }
            let tokens = SwiftTokens(file.text)
            files.append((file, layer, tokens))
            for name in tokens.declaredTypes(fileLevelOnly: true).keys { owners[name, default: []].insert(layer) }
            nested[layer, default: [:]].merge(tokens.nestedTypes()) { $0.union($1) }
        }
        for (name, layers) in owners where layers.count == 1 { owner[name] = layers.first }
    }

    /// Every use that `allowed` does not allow: file, line, both folders and the name.
    func arrowsAgainst(_ allowed: (String, String) -> Bool) -> [String] {
        files.flatMap { file, layer, tokens -> [String] in
            let own = tokens.declaredTypes(fileLevelOnly: false)
            return tokens.uses().compactMap { token, enclosing in
                guard let other = owner[token.text], !allowed(layer, other), own[token.text] == nil else { return nil }
                // What is inside of a type hides the name in all of the type's extensions, and nowhere else.
                guard !enclosing.contains(where: { nested[layer]?[$0]?.contains(token.text) == true }) else {
                    return nil
                }
                return "\(file.path):\(token.line): \(layer) uses \(other) (\(token.text))"
            }
        }
    }
}
