internal import Synchronization

/// Hears of changes of the cluster, on the thread that publishes them: it must not wait for anything.
protocol ImageListener: Sendable {
    /// `image` is about to be what readers see. A broker creates new logs here, so that nobody finds a topic without.
    func imageWillChange(to image: ClusterImage, _ delta: ClusterDelta)
    /// Readers see `image`. A broker deletes the logs of topics here, which nobody looks for any more.
    func imageDidChange(to image: ClusterImage, _ delta: ClusterDelta)
}

extension ImageListener {
    func imageWillChange(to image: ClusterImage, _ delta: ClusterDelta) {}
    func imageDidChange(to image: ClusterImage, _ delta: ClusterDelta) {}
}

/// Where the present image is kept. One thread publishes; any number of threads read.
///
/// A reader that looks often has an ``ImageReader``, which takes no lock as long as nothing changes.
final class ImageHolder: Sendable {
    private struct State {
        var image: ClusterImage
        var listeners: [any ImageListener] = []
    }

    private let state: Mutex<State>
    // Raised while the lock is held, with every image. A reader whose number is equal has the newest image.
    fileprivate let version = Atomic<Int>(0)

    init(_ image: ClusterImage) { state = Mutex(State(image: image)) }

    /// The present image. Takes a lock for as long as it takes to copy a reference.
    var image: ClusterImage { state.withLock { $0.image } }

    fileprivate var versionedImage: (Int, ClusterImage) {
        state.withLock { (version.load(ordering: .relaxed), $0.image) }
    }

    func addListener(_ listener: any ImageListener) { state.withLock { $0.listeners.append(listener) } }

    /// Replaces the image. Only one thread may do this.
    func publish(_ image: ClusterImage, _ delta: ClusterDelta) {
        let listeners = state.withLock { $0.listeners }
        for listener in listeners { listener.imageWillChange(to: image, delta) }
        state.withLock {
            $0.image = image
            version.add(1, ordering: .releasing)
        }
        for listener in listeners { listener.imageDidChange(to: image, delta) }
    }
}

/// One thread's view of an ``ImageHolder``: a number is compared for each look; a lock is taken only after a change.
/// What it returns never goes back to an older image.
struct ImageReader {
    private let holder: ImageHolder
    private var version: Int
    private var cached: ClusterImage

    init(_ holder: ImageHolder) {
        self.holder = holder
        (version, cached) = holder.versionedImage
    }

    /// The present image.
    mutating func image() -> ClusterImage {
        if holder.version.load(ordering: .acquiring) != version { (version, cached) = holder.versionedImage }
        return cached
    }
}
