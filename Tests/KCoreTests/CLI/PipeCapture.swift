import Glibc
import KCore

/// Collects what is written to a descriptor; any amount, since it is a file.
final class PipeCapture {
    let descriptor: Int32
    private let file: UnsafeMutablePointer<FILE>?

    init() {
        file = tmpfile()
        descriptor = file.map { fileno($0) } ?? -1
    }

    deinit { if let file { fclose(file) } }

    var bytes: [UInt8] {
        var result: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65536)
        while true {
            let got = pread(descriptor, &block, block.count, off_t(result.count))
            guard got > 0 else { return result }
            result.append(contentsOf: block[..<got])
        }
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// A console whose input is a text and whose outputs are kept.
struct TestConsole {
    let output = PipeCapture()
    let errors = PipeCapture()
    private let source = PipeCapture()
    let console: Console

    init(tool: String, input: String = "", environment: [String: String] = [:], interruption: Interruption? = nil) {
        var input = input
        let descriptor = source.descriptor
        input.withUTF8 { _ = pwrite(descriptor, $0.baseAddress ?? UnsafePointer(bitPattern: 1), $0.count, 0) }
        console = Console(
            tool: tool, input: source.descriptor, output: output.descriptor, errors: errors.descriptor,
            environment: environment, interruption: interruption)
    }
}
