import Synchronization
import Testing

@testable import KCore

@Suite struct ImageHolderTests {
    private static func image(_ base: ClusterImage) throws -> (ClusterImage, ClusterDelta) {
        try base.applying([.noOp(NoOpRecord())])
    }

    @Test func `readers never see an older image after a newer one, and see the last one in the end`() throws {
        let holder = ImageHolder(ClusterImage(clusterId: "c"))
        let count = Shared()
        let readers = (0..<3).map { number in
            Thread(name: "reader-\(number)") {
                var reader = ImageReader(holder)
                var last: Int64 = -1
                // Ends only when the last image is seen.
                while last < 1999 {
                    let offset = reader.image().lastOffset
                    if offset < last { count.timesBack.add(1, ordering: .relaxed) }
                    last = offset
                }
            }
        }
        for _ in 0..<2000 {
            if let (next, delta) = try? Self.image(holder.image) { holder.publish(next, delta) }
        }
        for reader in readers { reader.join() }
        #expect(count.timesBack.load(ordering: .relaxed) == 0)
        #expect(holder.image.lastOffset == 1999)
    }

    private final class Shared: Sendable {
        let timesBack = Atomic<Int>(0)
    }

    private final class Recorder: ImageListener {
        let events = Mutex<[String]>([])
        let holder: ImageHolder
        init(_ holder: ImageHolder) { self.holder = holder }

        func imageWillChange(to image: ClusterImage, _ delta: ClusterDelta) {
            events.withLock { $0.append("will \(image.lastOffset), readers see \(holder.image.lastOffset)") }
        }
        func imageDidChange(to image: ClusterImage, _ delta: ClusterDelta) {
            events.withLock { $0.append("did \(image.lastOffset), readers see \(holder.image.lastOffset)") }
        }
    }

    @Test func `listeners hear of an image before readers see it and after`() throws {
        let holder = ImageHolder(ClusterImage(clusterId: "c"))
        let recorder = Recorder(holder)
        holder.addListener(recorder)
        let (next, delta) = try Self.image(holder.image)
        holder.publish(next, delta)
        #expect(recorder.events.withLock { $0 } == ["will 0, readers see -1", "did 0, readers see 0"])
    }
}
