internal import CKernel
internal import Glibc

/// Sockets by their descriptors: what a listener and an outbound connection have in common.
enum Socket {
    /// Settings that every connection has. They cannot fail for a socket that is open; a buffer size is only a wish.
    static func prepare(_ descriptor: Int32, _ options: ConnectionOptions) {
        _ = ck_set_option(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        _ = ck_set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        setBuffers(descriptor, options)
    }

    /// Before `connect` or `listen`, so that the window can be negotiated to fit.
    static func setBuffers(_ descriptor: Int32, _ options: ConnectionOptions) {
        if options.sendBufferBytes > 0 {
            _ = ck_set_option(descriptor, SOL_SOCKET, SO_SNDBUF, Int32(clamping: options.sendBufferBytes))
        }
        if options.receiveBufferBytes > 0 {
            _ = ck_set_option(descriptor, SOL_SOCKET, SO_RCVBUF, Int32(clamping: options.receiveBufferBytes))
        }
    }

    /// A socket that listens at `address`.
    static func listening(
        at address: SocketAddress, backlog: Int, _ options: ConnectionOptions
    ) throws(NetError) -> (descriptor: Int32, bound: SocketAddress) {
        let descriptor = ck_socket(address.raw.family)
        guard descriptor >= 0 else { throw NetError("socket", code: descriptor) }
        _ = ck_set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if address.isIPv6 { _ = ck_set_option(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        setBuffers(descriptor, options)
        var raw = address.raw.storage
        var result = ck_bind(descriptor, &raw, address.raw.length)
        if result >= 0 { result = ck_listen(descriptor, Int32(clamping: backlog)) }
        var bound = sockaddr_storage()
        if result >= 0 { result = ck_local_address(descriptor, &bound) }
        guard result >= 0 else {
            Glibc.close(descriptor)
            throw NetError("listen at \(address)", code: result)
        }
        return (descriptor, SocketAddress(bound))
    }
}
