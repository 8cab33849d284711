/// Rows under column names. What commands print; how it looks is decided when it is printed.
public struct TextTable: Sendable {
    public enum Cell: Sendable, Equatable {
        case text(String)
        case number(Int64)
        case bool(Bool)
        case list([Int64])
        case texts([String])
        /// Partitions, which are objects of topic and partition in JSON.
        case places([TopicPartition])
        case none
    }

    public struct Column: Sendable {
        /// In lower case, words joined by `_` in JSON and shown in capitals with blanks as text.
        public var name: String
        public init(_ name: String) { self.name = name }
    }

    public enum Format: String, Sendable, CaseIterable { case text, json, awk }

    public var columns: [Column]
    public private(set) var rows: [[Cell]] = []

    public init(_ columns: [String]) { self.columns = columns.map { Column($0) } }

    /// - Parameter cells: one for each column; missing ones are empty.
    public mutating func add(_ cells: [Cell]) {
        rows.append(
            Array(cells.prefix(columns.count)) + Array(repeating: .none, count: max(0, columns.count - cells.count)))
    }

    public func text(_ format: Format = .text) -> String {
        switch format {
        case .text: aligned()
        case .json: json()
        case .awk: rows.map { $0.map { $0.plain(empty: "") }.joined(separator: "\t") + "\n" }.joined()
        }
    }

    // Numbers stand to the right. The last column is not filled up, so that lines have no blanks at the end.
    private func aligned() -> String {
        let names = columns.map { String($0.name.uppercased().map { $0 == "_" ? "-" : $0 }) }
        let texts = rows.map { $0.map { $0.plain(empty: "-") } }
        let widths = columns.indices.map { column in
            max(names[column].count, texts.map { $0[column].count }.max() ?? 0)
        }
        let isNumber = columns.indices.map { column in
            rows.contains { if case .number = $0[column] { true } else { false } }
        }
        var result = ""
        for row in [names] + texts {
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                line += isNumber[column] ? padding + cell : cell + padding
                if column < row.count - 1 { line += "  " }
            }
            while line.last == " " { line.removeLast() }
            result += line + "\n"
        }
        return result
    }

    private func json() -> String {
        let objects = rows.map { row in
            "{" + zip(columns, row).map { "\(JSONText.quoted($0.name)):\($1.json)" }.joined(separator: ",") + "}"
        }
        return objects.isEmpty ? "[]\n" : "[\n" + objects.joined(separator: ",\n") + "\n]\n"
    }
}

extension TextTable.Cell {
    func plain(empty: String) -> String {
        switch self {
        // A text from outside must not be able to move the cursor or forge a row.
        case .text(let text):
            text.isEmpty ? empty : (text.unicodeScalars.contains { $0.value < 0x20 } ? JSONText.quoted(text) : text)
        case .number(let number): String(number)
        case .bool(let value): value ? "true" : "false"
        case .list(let numbers): numbers.isEmpty ? empty : numbers.map(String.init).joined(separator: ",")
        case .texts(let texts):
            texts.isEmpty ? empty : texts.map { TextTable.Cell.text($0).plain(empty: "") }.joined(separator: " ")
        case .places(let places): TextTable.Cell.texts(places.map(\.description)).plain(empty: empty)
        case .none: empty
        }
    }

    var json: String {
        switch self {
        case .text(let text): JSONText.quoted(text)
        case .number(let number): String(number)
        case .bool(let value): value ? "true" : "false"
        case .list(let numbers): "[" + numbers.map(String.init).joined(separator: ",") + "]"
        case .texts(let texts): "[" + texts.map { JSONText.quoted($0) }.joined(separator: ",") + "]"
        case .places(let places):
            "["
                + places.map { "{\"topic\":\(JSONText.quoted($0.topic)),\"partition\":\($0.partition)}" }
                .joined(separator: ",") + "]"
        case .none: "null"
        }
    }
}
