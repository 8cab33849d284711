internal import CKernel
internal import Glibc

/// What lies between a connection and its peer when that is more than a bare socket: TLS, or the simulated network of a
/// test. Results are bytes, 0 for the end of the stream (reads only), or a negative `errno`; `-EAGAIN` when it has to wait.
/// All calls come on the connection's loop.
protocol TransportLayer: AnyObject {
    /// The socket to watch; nil when there is none: then the layer calls ``Connection/transportReady()`` instead.
    var descriptor: Int32? { get }
    /// Fills `first`, then `second`.
    func read(into first: UnsafeMutableRawBufferPointer, then second: UnsafeMutableRawBufferPointer) -> Int
    /// Takes bytes of `pieces`. After `-EAGAIN` the same bytes are offered again, perhaps with more behind them.
    func write(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int
    /// What the layer itself waits for, for instance to be able to write before it can go on reading.
    var interest: Readiness { get }
    /// Whether there is input that no event will announce, because it was read from the socket already.
    var hasBufferedInput: Bool { get }
    func close()
}

/// A socket, or a layer above one. The socket's path has no indirection.
struct Transport {
    let descriptor: Int32?
    let layer: (any TransportLayer)?

    init(descriptor: Int32) {
        self.descriptor = descriptor
        layer = nil
    }

    init(layer: any TransportLayer) {
        descriptor = layer.descriptor
        self.layer = layer
    }

    var canSendFiles: Bool { layer == nil }

    @inline(__always)
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let layer else { return ck_receive(descriptor ?? -1, buffer.baseAddress, buffer.count) }
        return layer.read(into: buffer, then: UnsafeMutableRawBufferPointer(start: nil, count: 0))
    }

    @inline(__always)
    func read(into first: UnsafeMutableRawBufferPointer, then second: UnsafeMutableRawBufferPointer) -> Int {
        guard let layer else {
            return ck_receive2(descriptor ?? -1, first.baseAddress, first.count, second.baseAddress, second.count)
        }
        return layer.read(into: first, then: second)
    }

    /// - Parameter more: further bytes follow at once.
    @inline(__always)
    func write(_ pieces: UnsafeMutablePointer<iovec>, count: Int, more: Bool) -> Int {
        guard let layer else { return ck_send(descriptor ?? -1, pieces, count, more ? 1 : 0) }
        return withUnsafeTemporaryAllocation(of: UnsafeRawBufferPointer.self, capacity: count) { buffers in
            for index in 0..<count {
                buffers.initializeElement(
                    at: index, to: UnsafeRawBufferPointer(start: pieces[index].iov_base, count: pieces[index].iov_len))
            }
            return layer.write(UnsafeBufferPointer(buffers))
        }
    }

    /// Only when ``canSendFiles``.
    @inline(__always)
    func sendFile(_ file: Int32, position: Int64, count: Int) -> Int {
        ck_send_file(descriptor ?? -1, file, position, count)
    }

    func close() {
        if let layer {
            layer.close()
        } else if let descriptor {
            Glibc.close(descriptor)
        }
    }
}
