extension SwiftTokens {
    /// For each token the types in whose braces it stands, the outermost first; an extension counts as its type.
    func enclosingTypes() -> [[String]] {
        let openers: Set = ["class", "struct", "enum", "protocol", "actor", "extension"]
        var open: [(names: [String], depth: Int)] = []
        var next: (names: [String], depth: Int)?
        return all.indices.map { index in
            let token = all[index]
            if openers.contains(token.text) {
                let names = dottedName(at: index + 1)
                if names.first?.first?.isUppercase == true { next = (names, token.depth) }
            } else if token.text == "{", let header = next, header.depth == token.depth {
                open.append((header.names, token.depth + 1))
                next = nil
                return open.dropLast().flatMap(\.names)
            } else if token.text == "}" {
                while let last = open.last, last.depth > token.depth { open.removeLast() }
            }
            return open.flatMap(\.names)
        }
    }

    // `A.B` from the token on; empty where there is no word.
    private func dottedName(at start: Int) -> [String] {
        var names: [String] = []
        var at = start
        while all.indices.contains(at), all[at].isWord {
            names.append(all[at].text)
            guard all.indices.contains(at + 1), all[at + 1].text == "." else { break }
            at += 2
        }
        return names
    }

    /// The types that are declared inside of others, by the one that they are right inside of.
    func nestedTypes() -> [String: Set<String>] {
        var nested: [String: Set<String>] = [:]
        for (index, types) in enclosingTypes().enumerated() {
            guard let outer = types.last, isDeclared(at: index) else { continue }
            nested[outer, default: []].insert(all[index].text)
        }
        return nested
    }

    private func isDeclared(at index: Int) -> Bool {
        index > 0 && all[index].isWord && all[index].text.first?.isUppercase == true
            && SwiftTokens.declaring.contains(all[index - 1].text)
    }
}
