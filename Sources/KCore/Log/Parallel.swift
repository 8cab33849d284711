/// Does something for many values.
enum Parallel {
    static func forEach<T: Sendable>(_ values: [T], threads: Int, _ body: @escaping @Sendable (T) -> Void) {
        for value in values { body(value) }
    }
}
