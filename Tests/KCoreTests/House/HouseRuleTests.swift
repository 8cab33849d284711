import Testing

/// Habits that CONTRIBUTING.md names and that a machine can hold.
@Suite struct HouseRuleTests {
    static let core = SourceTree.swiftFiles(below: "Sources/KCore")
    static let tools = ["kbroker", "kproduce", "kconsume", "kadmin"].flatMap { tool in
        SourceTree.swiftFiles(below: "Sources/\(tool)")
    }
    static let tests = SourceTree.swiftFiles(below: "Tests")

    @Test func `no file is longer than 500 lines`() {
        for file in Self.core + Self.tools + Self.tests { #expect(file.lines.count <= 500, "\(file.path)") }
    }

    @Test func `files are small on average`() {
        let lines = Self.core.reduce(0) { $0 + $1.lines.count }
        #expect(lines / max(1, Self.core.count) <= 200)
    }

    @Test func `every folder of KCore says what it is for`() throws {
        for folder in SourceTree.folders(in: "Sources/KCore") {
            let readme = try #require(SourceTree.text(of: "Sources/KCore/\(folder)/README.md"), "\(folder)")
            let lines = readme.split(separator: "\n")
            #expect(lines.first == "# \(folder)")
            #expect((3...80).contains(lines.count), "\(folder)/README.md has \(lines.count) lines")
            for promise in ["may use", "must stay true"] {
                #expect(readme.lowercased().contains(promise), "\(folder)/README.md does not say '\(promise)'")
            }
        }
    }

    // Foundation and ICU cost a broker start-up time and memory.
    @Test func `KCore does without Foundation`() {
        for file in Self.core {
            for line in file.lines where line.contains("import") {
                let words = line.split(separator: " ")
                guard let place = words.firstIndex(of: "import"), place + 1 < words.count else { continue }
                #expect(words[place + 1] != "Foundation", "\(file.path)")
            }
        }
    }

    @Test func `who says @unchecked Sendable says why`() {
        for file in Self.core + Self.tools {
            let lines = file.lines
            for (index, line) in lines.enumerated() where line.contains("@unchecked Sendable") {
                var before = index - 1
                while before >= 0, lines[before].drop(while: { $0 == " " }).hasPrefix("@") { before -= 1 }
                let comment = before >= 0 ? lines[before].drop { $0 == " " } : ""
                #expect(comment.hasPrefix("//") || line.contains("//"), "\(file.path):\(index + 1)")
            }
        }
    }

    // What comes from a socket, a disk or a command line is answered with an error.
    @Test func `nothing gives up where an error could be thrown`() {
        for file in Self.core + Self.tools {
            let tokens = SwiftTokens(file.text).all
            for (word, mark) in zip(tokens, tokens.dropFirst()) {
                let givesUp = ["try", "as"].contains(word.text) && mark.text == "!" || word.text == "fatalError"
                #expect(!givesUp, "\(file.path):\(word.line)")
            }
        }
    }

    // It would be wrapped once more each time that it is looked at, and each call would take longer than the one before.
    @Test func `no closure stands in a lock by itself`() {
        let signs = ["Mutex<", "Monitor<"].flatMap { ["\($0)@", "\($0)(@", "\($0)((@"] }
        for file in Self.core + Self.tools {
            for (index, line) in file.lines.enumerated() {
                #expect(!signs.contains { line.contains($0) }, "\(file.path):\(index + 1)")
            }
        }
    }

    @Test func `the main file of a tool only hands over`() {
        for file in Self.tools where file.path.hasSuffix("main.swift") {
            #expect(file.lines.count <= 60, "\(file.path)")
        }
    }

    @Test func `tests are named by what they state`() {
        for file in Self.tests {
            for (index, line) in file.lines.enumerated() where line.hasPrefix("    @Test") && line.contains("func ") {
                #expect(line.contains("func `"), "\(file.path):\(index + 1)")
            }
        }
    }
}
