internal import Glibc

extension Command {
    private static let quick = CommandOption.flag(
        "quick", help: "Check headers and checksums, without decoding each record")
    private static let threads = CommandOption.value(
        "threads", "N", kind: .integer(1...1024), defaultNote: "all cores", help: "Segments that are read at once")

    /// `kadmin log verify`: needs no broker, and wants none.
    static let logVerify = Command(
        "verify", "Checks a stopped broker's data from end to end",
        details: [
            """
            Reads every file and says what is wrong, in which file, at which byte: checksums, offsets,
            records, index entries that do not agree with the log, snapshots of producers, aborted
            transactions, leader epochs, checkpoints, names, the cluster's metadata, partitions that are missing.
            Nothing is written. What the broker's next start puts right by itself, and what does no harm, is a
            warning. Any error makes the exit status 1.
            """,
            """
            Give all log.dirs of the broker at once: partitions are missed only then. server.properties is not
            read: where it says log.cleanup.policy=compact, and nothing in the directory tells, missing offsets
            are judged by the checkpoint of the cleaner. A partition outside of its data directory has nothing
            beside it that says how the broker stopped; a torn end is an error then.
            """,
        ],
        operands: [
            Operand(
                "DIR", kind: .path, repeatable: true, required: true,
                help: "A data directory, all of one broker's, or the directory of a partition in it")
        ],
        options: [quick, threads, AdminOptions.format, CommonOptions.quiet],
        examples: [
            Example("kadmin log verify data", "all partitions and the metadata"),
            Example("kadmin log verify data/orders-0", "one partition"),
            Example("kadmin log verify --format json /mnt/a /mnt/b", "all log.dirs of a broker, for a program"),
        ],
        action: { arguments, console throws(ToolError) in
            let disk = SystemDisk()
            let paths = LogVerify.distinct(arguments.operands.map(LogVerify.named), disk)
            try LogVerify.check(paths, disk)
            let locks = try LogVerify.lock(paths, disk)
            defer { withExtendedLifetime(locks) {} }
            let cores = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
            var check = DataDirectoryCheck(
                disk: disk, decodesRecords: !arguments.isGiven(quick),
                threads: arguments.integer(threads).map(Int.init) ?? max(1, cores))
            let start = console.clock.monotonicMs
            check.run(paths)
            LogVerify.print(check.problems, arguments, console)
            if !arguments.isGiven(CommonOptions.quiet) {
                console.note(LogVerify.summary(check, milliseconds: console.clock.monotonicMs - start))
            }
            return check.problems.contains { $0.severity == .error } ? .failed : .done
        })
}

/// What `kadmin log verify` does besides checking.
enum LogVerify {
    /// `path` with a last component that says what it is: `.` may be the directory of a partition.
    static func named(_ path: String) -> String {
        var path = path
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        guard [".", ".."].contains(path.split(separator: "/").last ?? ""), let real = realpath(path, nil) else {
            return path
        }
        defer { free(real) }
        return String(cString: real)
    }

    /// Makes sure that there is something to verify: in a directory that is none of a broker's, everything would be wrong. One
    /// among others may be a disk that is not mounted.
    static func check(_ paths: [String], _ disk: any Disk) throws(ToolError) {
        for path in paths {
            var status = stat()
            guard stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFDIR else { continue }
            throw ToolError("\(path) is a file; verify takes directories, and kadmin log dump shows what is in a file")
        }
        let isOurs = paths.contains { path in
            guard DataDirectoryCheck.partition(path) == nil, let entries = try? disk.list(path) else { return true }
            return entries.contains { entry in
                entry.isDirectory
                    ? LogDirectoryName.parse(entry.name) != nil
                    : entry.name == MetaProperties.fileName || OffsetCheckpoint.names.contains(entry.name)
            }
        }
        guard isOurs else {
            throw ToolError("nothing of a broker is in \(paths.joined(separator: ", ")): is it a data directory?")
        }
    }

    /// Each directory once, by whatever names it was given.
    static func distinct(_ paths: [String], _ disk: any Disk) -> [String] {
        var seen: Set<FileIdentity> = []
        return paths.filter { path in
            guard let identity = (try? disk.identity(path)) ?? nil else { return true }
            return seen.insert(identity).inserted
        }
    }

    /// Keeps a broker out of the directories while they are read.
    /// - Throws: when one has them.
    static func lock(_ paths: [String], _ disk: any Disk) throws(ToolError) -> [any AnyObject & Sendable] {
        var locks: [any AnyObject & Sendable] = []
        var locked: Set<FileIdentity> = []
        for path in paths {
            // Partitions can be in the same one.
            let directory = DataDirectoryCheck.partition(path) == nil ? path : parentDirectory(path)
            if let identity = (try? disk.identity(directory)) ?? nil, !locked.insert(identity).inserted { continue }
            locks += try lock(path, in: directory, disk)
        }
        return locks
    }

    private static func lock(
        _ path: String, in directory: String, _ disk: any Disk
    ) throws(ToolError) -> [any AnyObject & Sendable] {
        let file = "\(directory)/\(LogDirectoryName.lockFile)"
        do {
            _ = try disk.list(path)
            // Nothing is created in a directory that is only read.
            guard try disk.fileSize(file) != nil else { return [] }
            return [try disk.lock(file)]
        } catch {
            if error.operation == .lock && error.isTaken {
                throw ToolError("a broker uses \(directory): stop it before its files are checked")
            }
            // Without the right to write there is no lock, but there is something to read.
            if error.path == file { return [] }
            throw ToolError(error.description)
        }
    }

    static func print(_ problems: [LogProblem], _ arguments: Arguments, _ console: Console) {
        let format = AdminOptions.format(arguments)
        guard format != .text else {
            for problem in problems { console.print("\(problem.severity.rawValue): \(problem)\n") }
            return
        }
        var table = TextTable(["severity", "file", "byte", "problem"])
        for problem in problems {
            table.add([
                .text(problem.severity.rawValue), .text(problem.path), problem.position.map { .number($0) } ?? .none,
                .text(problem.what),
            ])
        }
        console.print(table.text(format))
    }

    static func summary(_ check: DataDirectoryCheck, milliseconds: Int64) -> String {
        let errors = check.problems.count { $0.severity == .error }
        let warnings = check.problems.count - errors
        let result =
            errors + warnings == 0
            ? "no problems" : "\(Quantity.count(Int64(errors), "error")), \(Quantity.count(Int64(warnings), "warning"))"
        let seconds = Double(milliseconds) / 1000
        return
            "\(Quantity.count(Int64(check.partitions), "partition")), \(Quantity.count(Int64(check.segments), "segment")), "
            + "\(ByteSize.text(check.totals.bytes)), \(Quantity.grouped(check.totals.batches)) \(check.totals.batches == 1 ? "batch" : "batches"), "
            + "\(Quantity.count(check.totals.records, "record")) in \(Quantity.duration(seconds: seconds)): \(result)"
    }
}
