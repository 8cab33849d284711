internal import Glibc

/// A system library that is opened when a feature first needs it, and stays open.
///
/// `@unchecked Sendable`: the handle never changes, and the loader is thread-safe.
public struct DynamicLibrary: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer

    /// - Parameter name: the file's name with its interface version, as `libz.so.1`.
    /// - Returns: nil when the library is not on this machine.
    public init?(_ name: String) {
        guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { return nil }
        self.handle = handle
    }

    /// The function called `name`.
    /// - Parameter type: its type, with `@convention(c)`; nothing can check that it is the right one.
    /// - Returns: nil when the library has no such function.
    public func function<T>(_ name: String, as type: T.Type = T.self) -> T? {
        guard MemoryLayout<T>.size == MemoryLayout<UnsafeMutableRawPointer>.size else { return nil }
        return dlsym(handle, name).map { unsafeBitCast($0, to: type) }
    }
}
