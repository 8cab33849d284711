/// What can go wrong below a log: the disk, or bytes that are not what they should be.
enum LogFault: Error, Equatable, Sendable {
    case disk(DiskError)
    /// No batch where there should be one.
    case damaged(path: String, position: Int64, reason: String)

    var isMissingFile: Bool {
        if case .disk(let error) = self { error.isMissing } else { false }
    }

    /// See ``DiskError/wouldWait``.
    var isWouldWait: Bool {
        if case .disk(let error) = self { error.isWouldWait } else { false }
    }
}

extension LogFault: CustomStringConvertible {
    var description: String {
        switch self {
        case .disk(let error): error.description
        case .damaged(let path, let position, let reason): "\(path) is damaged at byte \(position): \(reason)"
        }
    }
}

extension LogError {
    init(_ fault: LogFault) { self.init(.kafkaStorageError, fault.description) }
}

/// Calls that throw what the disk throws, as a fault of the log.
@inline(__always)
func onDisk<R>(_ body: () throws(DiskError) -> R) throws(LogFault) -> R {
    do {
        return try body()
    } catch {
        throw .disk(error)
    }
}
