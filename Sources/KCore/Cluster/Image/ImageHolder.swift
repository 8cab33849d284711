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
    fileprivate let published: Published<ClusterImage>
    private let listeners = Mutex<[any ImageListener]>([])

    init(_ image: ClusterImage) { published = Published(image) }

    /// The present image. Takes a lock for as long as it takes to copy a reference.
    var image: ClusterImage { published.value }

    func addListener(_ listener: any ImageListener) { listeners.withLock { $0.append(listener) } }

    /// Replaces the image. Only one thread may do this.
    func publish(_ image: ClusterImage, _ delta: ClusterDelta) {
        let listeners = listeners.withLock { $0 }
        for listener in listeners { listener.imageWillChange(to: image, delta) }
        published.publish(image)
        for listener in listeners { listener.imageDidChange(to: image, delta) }
    }
}

/// One thread's view of an ``ImageHolder``. What it returns never goes back to an older image.
struct ImageReader {
    private var reader: Published<ClusterImage>.Reader

    init(_ holder: ImageHolder) { reader = Published.Reader(holder.published) }

    /// The present image.
    mutating func image() -> ClusterImage { reader.value() }
}
