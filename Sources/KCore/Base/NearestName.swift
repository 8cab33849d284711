/// Finds what somebody meant who misspelt a name.
public enum NearestName {
    /// The candidate that is fewest edits away from `name`, if that is few enough to be a slip; case does not count.
    public static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
        let typed = Array(name.lowercased().utf8)
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let other = Array(candidate.lowercased().utf8)
            let distance = edits(typed, other)
            // A slip leaves something of the word: 2 is not a slip for 0.
            let longer = max(typed.count, other.count)
            if distance <= max(1, longer / 3) && distance < longer && distance < (best?.distance ?? .max) {
                best = (candidate, distance)
            }
        }
        return best?.name
    }

    /// `, did you mean X?`, or nothing.
    static func question(_ name: String?) -> String { name.map { ", did you mean \($0)?" } ?? "" }

    /// Insertions, deletions, changes and swaps of neighbours that turn `a` into `b`.
    static func edits(_ a: [UInt8], _ b: [UInt8]) -> Int {
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var beforeLast = [Int]()
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i]
            row.reserveCapacity(b.count + 1)
            for j in 1...b.count {
                var cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    cost = min(cost, beforeLast[j - 2] + 1)
                }
                row.append(cost)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
