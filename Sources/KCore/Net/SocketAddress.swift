internal import CKernel
internal import Glibc

/// An address and port of IPv4 or IPv6, as numbers.
public struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// The address as text, without brackets.
    public let host: String
    public let port: Int

    // What the system takes. Not part of equality: it follows from the text.
    let raw: Raw

    struct Raw: @unchecked Sendable {  // Plain numbers.
        var storage: sockaddr_storage
        var length: socklen_t
        var family: Int32 { Int32(storage.ss_family) }
    }

    init(_ raw: Raw) {
        self.raw = raw
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var service = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        var storage = raw.storage
        let failed = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getnameinfo(
                    address, raw.length, &host, socklen_t(host.count), &service, socklen_t(service.count),
                    NI_NUMERICHOST | NI_NUMERICSERV)
            }
        }
        func text(_ characters: [CChar]) -> String {
            String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        // An IPv4 peer of an IPv6 socket is shown, and counted, as what it is.
        let name = failed == 0 ? text(host) : ""
        self.host = name.hasPrefix("::ffff:") && name.contains(".") ? String(name.dropFirst(7)) : name
        port = failed == 0 ? Int(text(service)) ?? 0 : 0
    }

    /// An accepted or bound socket's address, as the system filled it in.
    init(_ storage: sockaddr_storage) {
        let length =
            Int32(storage.ss_family) == AF_INET6
            ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        self.init(Raw(storage: storage, length: socklen_t(length)))
    }

    public var isIPv6: Bool { raw.family == AF_INET6 }
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    public static func == (a: SocketAddress, b: SocketAddress) -> Bool { a.host == b.host && a.port == b.port }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(host)
        hasher.combine(port)
    }

    /// The addresses of a name, in the order in which they should be tried. Blocks while the name is looked up, unless
    /// `host` is a number.
    /// - Parameters:
    ///   - host: a name or a numeric address; empty for all addresses of this machine (when `passive`) or its loopback.
    ///   - passive: for binding.
    ///   - numericOnly: fails for what is not a numeric address, and so never blocks.
    static func resolve(
        host: String, port: Int, passive: Bool = false, numericOnly: Bool = false
    ) throws(NetError) -> [SocketAddress] {
        guard (0...65535).contains(port) else { throw NetError("resolve \(host):\(port)", reason: "no such port") }
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0) | (numericOnly ? AI_NUMERICHOST : 0)
        var list: UnsafeMutablePointer<addrinfo>?
        let error = getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &list)
        guard error == 0, let first = list else {
            throw NetError(
                "resolve \(host)", reason: error == EAI_SYSTEM ? "system error" : String(cString: gai_strerror(error)))
        }
        defer { freeaddrinfo(first) }
        var result: [SocketAddress] = []
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let info = next?.pointee {
            next = info.ai_next
            guard let address = info.ai_addr, Int(info.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size else {
                continue
            }
            var storage = sockaddr_storage()
            withUnsafeMutableBytes(of: &storage) { target in
                target.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(info.ai_addrlen)))
            }
            result.append(SocketAddress(Raw(storage: storage, length: info.ai_addrlen)))
        }
        return result
    }
}
