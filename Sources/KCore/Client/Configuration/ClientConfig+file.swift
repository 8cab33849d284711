extension ClientConfig {
    /// Reads a text in the form of Java's properties files: `name=value`, `name: value` or `name value`, comments
    /// behind `#` or `!`, a line continued by a backslash at its end, and escapes (`\n`, `\t`, `\uXXXX`, `\:`).
    /// - Parameter source: what errors call the text, for instance the file's name.
    public static func properties(
        parsing text: String, source: String
    ) throws(ClientError) -> [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        var pending = ""
        var number = 0
        for raw in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            number += 1
            var line = raw.drop { $0 == " " || $0 == "\t" || $0 == "\u{0C}" }
            if pending.isEmpty, line.isEmpty || line.hasPrefix("#") || line.hasPrefix("!") { continue }
            let slashes = line.reversed().prefix { $0 == "\\" }.count
            if slashes % 2 == 1 {
                line.removeLast()
                pending += line
                continue
            }
            let whole = pending + line
            pending = ""
            guard let (name, value) = split(whole) else {
                throw ClientError(.configuration, "\(source), line \(number): a bad \\u escape")
            }
            guard !name.isEmpty else {
                throw ClientError(.configuration, "\(source), line \(number): a name is missing in front of the value")
            }
            result.append((name, value))
        }
        if !pending.isEmpty, let last = split(pending) { result.append(last) }
        return result
    }

    private static func split(_ line: String) -> (name: String, value: String)? {
        let characters = Array(line)
        var position = 0
        var name = ""
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\u{0C}" }
        while position < characters.count {
            let character = characters[position]
            if character == "=" || character == ":" || isBlank(character) { break }
            guard let piece = unescaped(characters, &position) else { return nil }
            name += piece
        }
        while position < characters.count, isBlank(characters[position]) { position += 1 }
        if position < characters.count, characters[position] == "=" || characters[position] == ":" { position += 1 }
        while position < characters.count, isBlank(characters[position]) { position += 1 }
        var value = ""
        while position < characters.count {
            guard let piece = unescaped(characters, &position) else { return nil }
            value += piece
        }
        return (name, value)
    }

    private static func unescaped(_ characters: [Character], _ position: inout Int) -> String? {
        let character = characters[position]
        position += 1
        guard character == "\\", position < characters.count else { return String(character) }
        let escaped = characters[position]
        position += 1
        switch escaped {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "f": return "\u{0C}"
        case "u":
            guard position + 4 <= characters.count,
                let code = UInt32(String(characters[position..<position + 4]), radix: 16),
                let scalar = Unicode.Scalar(code)
            else { return nil }
            position += 4
            return String(Character(scalar))
        default: return String(escaped)
        }
    }
}
