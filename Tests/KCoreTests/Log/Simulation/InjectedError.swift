@testable import KCore

/// An error that the disk answers with.
struct InjectedError: Sendable {
    var operation: DiskError.Operation
    /// What the path contains.
    var part = ""
    /// Whether that is all of the path.
    var isWhole = false
    /// The `errno`.
    var code: Int32
    /// Operations of this kind that go well before.
    var skip = 0
    /// How often it comes.
    var times = 1
}

extension InjectedError {
    fileprivate func concerns(_ operation: DiskError.Operation, _ path: String) -> Bool {
        self.operation == operation && (isWhole ? path == part : path.contains(part))
    }
}

extension SimulatedDisk.State {
    mutating func clearHarmlessErrors() {
        errors.removeAll { DiskError($0.operation, path: "", code: $0.code).isHarmless }
    }

    /// Throws the first injected error whose time has come.
    mutating func fail(_ operation: DiskError.Operation, _ path: String) throws(DiskError) {
        for index in errors.indices where errors[index].concerns(operation, path) {
            if errors[index].skip > 0 {
                errors[index].skip -= 1
                continue
            }
            guard errors[index].times > 0 else { continue }
            errors[index].times -= 1
            trace?("error \(errors[index].code): \(operation.rawValue) \(path)")
            let error = DiskError(operation, path: path, code: errors[index].code)
            if error.isHarmless {
                harmlessErrors += 1
                if operation == .rename && bug == .forgetsWhatFailed { forgotten.insert(path) }
            }
            throw error
        }
    }
}
