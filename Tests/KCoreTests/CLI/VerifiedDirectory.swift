import Testing

@testable import KCore

/// A fixture in the memory of a simulated disk, where it can be damaged.
struct VerifiedDirectory {
    let disk = SimulatedDisk()
    let path = "/data"

    init(_ name: KafkaDirectory.Name) throws {
        for (file, bytes) in try KafkaFiles.of(name) { disk.plant("\(path)/\(file)", bytes) }
    }

    func change(_ file: String, _ edit: (inout [UInt8]) -> Void) throws {
        var bytes = try #require(disk.contents("\(path)/\(file)"))
        edit(&bytes)
        try disk.removeTree("\(path)/\(file)")
        disk.plant("\(path)/\(file)", bytes)
    }

    func remove(_ file: String) throws { try disk.removeTree("\(path)/\(file)") }

    func problems(_ paths: [String] = ["/data"]) -> [LogProblem] {
        var check = DataDirectoryCheck(disk: disk, decodesRecords: true, threads: 1)
        check.run(paths)
        return check.problems
    }

    /// What is said about `file`, nil for the directory itself, as `byte: what` or `what`.
    func said(of file: String?) -> [String] {
        let place = file.map { "\(path)/\($0)" } ?? path
        return problems().filter { $0.path == place }.map { problem in
            (problem.position.map { "\($0): " } ?? "") + problem.what
        }
    }
}
