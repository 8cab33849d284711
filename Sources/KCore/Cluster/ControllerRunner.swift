internal import Synchronization

/// Runs the controller on a thread of its own: requests come from any thread, are decided one after the other, and are
/// answered when what they changed is kept and published.
///
/// Requests that wait while the store is busy are decided together and kept with one commit. When the store fails, all
/// that it was to keep is refused with KAFKA_STORAGE_ERROR, and so is everything after: what the disk has is not known
/// any more, so the controller decides nothing until the broker is started again, and says so to ``onFailure(_:)``. After a
/// full disk it goes on as if nothing had been asked. A request whose records cannot be written in their format is refused
/// by itself.
final class ControllerRunner: Sendable {
    /// Where the images are published.
    let holder: ImageHolder

    /// Requests that are kept with one commit.
    private static let maxGroup = 256

    /// What became of a request before the commit.
    private struct Outcome {
        var records: [MetadataLogRecord]
        var answer: @Sendable () -> Void
        var refuse: @Sendable (ApiError) -> Void
    }

    private struct Job: Sendable {
        var decide: @Sendable (inout Controller, ClusterImage) -> Outcome
        var refuse: @Sendable (ApiError) -> Void
    }

    private struct Queue: Sendable {
        var jobs: [Job] = []
        var isStopped = false
    }

    private let failureHandler: FailureHandler
    private let queue: Monitor<Queue>
    private let thread: Thread

    /// - Parameters:
    ///   - store: opened; nobody else may use it from now on.
    ///   - image: what opening the store returned.
    init(
        controller: Controller, store: sending any MetadataStore, image: ClusterImage, holder: ImageHolder,
        logger: Logger
    ) {
        self.holder = holder
        let queue = Monitor(Queue())
        self.queue = queue
        let failed = FailureHandler()
        failureHandler = failed
        let worker = Mutex(
            Worker(
                controller: controller, store: store, holder: holder, image: image, logger: logger,
                failed: { reason in failed.tell(reason) }))
        thread = Thread(name: "controller") {
            while let jobs = Self.next(queue) { worker.withLock { $0.run(jobs) } }
            worker.withLock { $0.store.close() }
        }
    }

    /// Has `request` decided and, when it changes something, kept and published.
    /// - Parameter completion: called on the controller's thread, or on this one when the runner has been stopped; must
    ///   not wait for anything.
    func submit<R: ControllerRequest>(_ request: R, completion: @escaping @Sendable (R.Response) -> Void) {
        let refuse: @Sendable (ApiError) -> Void = { completion(request.refused($0)) }
        let job = Job(
            decide: { controller, image in
                let result = request.decide(&controller, image)
                return Outcome(records: result.records, answer: { completion(result.response) }, refuse: refuse)
            }, refuse: refuse)
        let isTaken = queue.update { queue in
            if !queue.isStopped { queue.jobs.append(job) }
            return !queue.isStopped
        }
        if !isTaken { refuse(ApiError(.notController, "The controller has stopped.")) }
    }

    /// Has `handler` called, with the reason, when metadata can no longer be changed. On the controller's thread.
    func onFailure(_ handler: @escaping @Sendable (String) -> Void) {
        failureHandler.set(handler)
    }

    /// Waits for the answer. Never to be called on an event loop.
    func perform<R: ControllerRequest>(_ request: R) -> R.Response {
        let answer = Monitor<R.Response?>(nil)
        submit(request) { response in answer.update { $0 = response } }
        return answer.wait { $0 }
    }

    /// Answers what was submitted, closes the store and ends the thread.
    /// - Parameter timeoutMs: how long to wait for that; nil for as long as it takes.
    func stop(timeoutMs: Int64? = nil) {
        queue.update { $0.isStopped = true }
        thread.join(timeoutMs: timeoutMs)
    }

    private static func next(_ queue: Monitor<Queue>) -> [Job]? {
        queue.wait { queue -> [Job]?? in
            if queue.jobs.isEmpty { return queue.isStopped ? .some(nil) : nil }
            let group = Array(queue.jobs.prefix(maxGroup))
            queue.jobs.removeFirst(group.count)
            return .some(group)
        }
    }

    /// What the thread has.
    private struct Worker {
        var controller: Controller
        let store: any MetadataStore
        let holder: ImageHolder
        /// The newest image, published.
        var image: ClusterImage
        let logger: Logger
        let failed: @Sendable (String) -> Void
        var failure: ApiError?

        mutating func run(_ jobs: [Job]) {
            if let failure {
                for job in jobs { job.refuse(failure) }
                return
            }
            var changes: [[MetadataLogRecord]] = []
            var outcomes: [Outcome] = []
            // The image with the changes that are decided and not kept yet.
            var next = image
            var delta = ClusterDelta()
            for job in jobs {
                let outcome = job.decide(&controller, next)
                if !outcome.records.isEmpty {
                    do throws(WireError) {
                        for record in outcome.records { _ = try record.value() }
                    } catch {
                        // Left to the store it would look as if the disk had failed.
                        logger.warning("a change cannot be written", ["reason": "\(error)"])
                        outcome.refuse(
                            ApiError(.unknownServerError, "The change cannot be written to the metadata log: \(error)"))
                        continue
                    }
                    do {
                        (next, delta) = try next.applying(outcome.records)
                    } catch {
                        logger.error("the controller contradicts itself", ["reason": error.description])
                        outcome.refuse(ApiError(.unknownServerError, error.description))
                        continue
                    }
                    changes.append(outcome.records)
                }
                outcomes.append(outcome)
            }
            guard !changes.isEmpty else {
                for outcome in outcomes { outcome.answer() }
                return
            }
            do {
                try store.commit(changes)
                // What several requests did together can be less than the sum: a topic may be gone again.
                if changes.count > 1 { (next, delta) = try image.applying(Array(changes.joined())) }
            } catch {
                let refusal = ApiError(.kafkaStorageError, "\(error)")
                if (error as? MetadataStoreError)?.isTransient == true {
                    logger.warning("metadata cannot be changed now", ["reason": refusal.message])
                } else {
                    logger.error("metadata can no longer be changed", ["reason": refusal.message])
                    failure = refusal
                }
                for outcome in outcomes { outcome.refuse(refusal) }
                if failure != nil { failed(refusal.message) }
                return
            }
            image = next
            holder.publish(next, delta)
            for outcome in outcomes { outcome.answer() }
            store.didPublish(next)
        }
    }
}
