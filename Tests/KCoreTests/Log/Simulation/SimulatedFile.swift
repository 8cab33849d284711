import Glibc
import Synchronization

@testable import KCore

/// An open file of a ``SimulatedDisk``.
final class SimulatedFile: DiskFile {
    private let disk: SimulatedDisk
    private let id: Int
    private let generation: Int
    let path: String

    init(_ disk: SimulatedDisk, _ id: Int, _ path: String, _ generation: Int) {
        self.disk = disk
        self.id = id
        self.path = path
        self.generation = generation
    }

    var descriptor: Int32? { nil }

    private func change<R: Sendable>(
        _ operation: DiskError.Operation, _ body: (inout SimulatedDisk.State) throws(DiskError) -> R
    ) throws(DiskError) -> R {
        try disk.change(operation, path) { (state) throws(DiskError) in
            // Of a process that is no more.
            guard state.generation == generation else { throw DiskError(operation, path: path, code: EBADF) }
            return try body(&state)
        }
    }

    func size() throws(DiskError) -> Int64 {
        disk.state.withLock { Int64($0.files[id]?.cached.count ?? 0) }
    }

    func read(at position: Int64, into target: UnsafeMutableRawBufferPointer) -> Int {
        disk.readHook.withLock { $0 }?(path)
        return readNow(at: position, into: target)
    }

    private func readNow(at position: Int64, into target: UnsafeMutableRawBufferPointer) -> Int {
        disk.state.withLock { state in
            do throws(DiskError) { try state.fail(.read, path) } catch { return -Int(error.code) }
            guard let contents = state.files[id]?.cached, position < contents.count else { return 0 }
            let part = contents[Int(position)..<min(contents.count, Int(position) + target.count)]
            target.copyBytes(from: part)
            if state.bug == .trustsEveryChecksum { PlantedBug.makeSound(target, count: part.count) }
            if state.isCleaning, let bug = state.bug {
                if bug == .mixesUpKeys, state.isIndexing(path) { PlantedBug.mixUpKeys(target, count: part.count) }
                if bug == .forgetsAbortedTransactions, path.contains(".txnindex") {
                    PlantedBug.changeProducers(target, count: part.count)
                }
            }
            return part.count
        }
    }

    func readCached(at position: Int64, into target: UnsafeMutableRawBufferPointer) -> Int {
        disk.state.withLock { $0.isCold } ? -Int(EAGAIN) : read(at: position, into: target)
    }

    func write(_ source: UnsafeRawBufferPointer, at position: Int64) throws(DiskError) {
        let bytes = [UInt8](source)
        do {
            try change(.write) { (state) throws(DiskError) in
                let size = state.files[id]?.cached.count ?? 0
                let growth = max(0, Int(position) + bytes.count - size)
                let missing = growth - min(growth, state.room ?? growth)
                var written = Array(bytes[..<(bytes.count - missing)])
                if let bug = state.bug { bug.falsify(&written, path) }
                state.files[id]?.write(written, at: Int(position))
                state.room = state.room.map { $0 - (growth - missing) }
                if missing > 0 { throw DiskError(.write, path: path, code: ENOSPC) }
            }
        } catch {
            // The write that the crash interrupts, or that fails, can have got anywhere.
            if error.code == EIO { writePart(bytes, at: Int(position)) }
            throw error
        }
    }

    private func writePart(_ bytes: [UInt8], at position: Int) {
        disk.state.withLock { state in
            if state.isTorn || state.generation != generation { return }
            state.isTorn = state.isDead
            let count = state.random.int(0...bytes.count)
            if count > 0 { state.files[id]?.write(Array(bytes[..<count]), at: position) }
        }
    }

    func sync() throws(DiskError) {
        do {
            try change(.sync) { (state) throws(DiskError) in
                if state.failingSyncs { throw DiskError(.sync, path: path, code: EIO) }
                if state.bug?.forgetsSync(ofFile: path) == true { return }
                state.files[id]?.sync()
            }
        } catch {
            let isHidden = disk.state.withLock { state in
                if state.isDead || state.generation != generation { return false }
                var random = state.random.fork()
                state.files[id]?.failSync(&random)
                return state.bug == .ignoresFailedSync
            }
            if !isHidden { throw error }
        }
    }

    func truncate(to size: Int64) throws(DiskError) {
        try change(.truncate) { (state) throws(DiskError) in
            if state.bug?.forgetsTruncation(of: path) == true { return }
            let freed = (state.files[id]?.cached.count ?? 0) - Int(size)
            state.room = state.room.map { $0 + max(0, freed) }
            state.files[id]?.truncate(to: Int(size))
        }
    }

    func preallocate(to size: Int64) throws(DiskError) {}

    func dropCache() {
        disk.state.withLock { state in
            if state.generation == generation && state.bug != .trustsCache { state.files[id]?.dropCache() }
        }
    }
}
