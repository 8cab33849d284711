@testable import KCore

/// An error that the disk answers with.
struct InjectedError: Sendable {
    var operation: DiskError.Operation
    /// What the path contains.
    var part = ""
    /// The `errno`.
    var code: Int32
    /// Operations of this kind that go well before.
    var skip = 0
    /// How often it comes.
    var times = 1
}

extension SimulatedDisk.State {
    /// Throws the first injected error whose time has come.
    mutating func fail(_ operation: DiskError.Operation, _ path: String) throws(DiskError) {
        for index in errors.indices where errors[index].operation == operation && path.contains(errors[index].part) {
            if errors[index].skip > 0 {
                errors[index].skip -= 1
                continue
            }
            guard errors[index].times > 0 else { continue }
            errors[index].times -= 1
            trace?("error \(errors[index].code): \(operation.rawValue) \(path)")
            throw DiskError(operation, path: path, code: errors[index].code)
        }
    }
}
