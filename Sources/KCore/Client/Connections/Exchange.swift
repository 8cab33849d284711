/// A request on its way and what is to be done with its answer. The version is chosen when the connection knows what
/// its broker has.
final class Exchange {
    let api: Api
    /// The versions that the caller can do with.
    let versions: ClosedRange<Int16>
    let encode: (_ version: Int16, _ correlationId: Int32) throws(WireError) -> Frame
    /// False for acks=0: then it is finished, with an empty answer, as soon as it is handed to the socket.
    let expectsAnswer: Bool
    /// On the loop's clock.
    let deadlineMs: Int64
    private var finish: ((Result<Answer, ClientError>) -> Void)?

    /// A response's frame without its length, and the version that it is in.
    struct Answer {
        var frame: Bytes
        var version: Int16
    }

    // Set when it is sent.
    var correlationId: Int32 = 0
    var version: Int16 = 0

    init(
        api: Api, versions: ClosedRange<Int16>, deadlineMs: Int64, expectsAnswer: Bool = true,
        encode: @escaping (_ version: Int16, _ correlationId: Int32) throws(WireError) -> Frame,
        finish: @escaping (Result<Answer, ClientError>) -> Void
    ) {
        self.api = api
        self.versions = versions
        self.deadlineMs = deadlineMs
        self.expectsAnswer = expectsAnswer
        self.encode = encode
        self.finish = finish
    }

    /// The first call counts; later ones do nothing.
    func complete(_ result: Result<Answer, ClientError>) {
        let finish = self.finish
        self.finish = nil
        finish?(result)
    }
}

extension Exchange {
    /// - Parameters:
    ///   - broker: what errors call the other side.
    ///   - adapt: changes the request to what a version can say.
    convenience init<R: ApiRequest>(
        _ request: R, versions: ClosedRange<Int16>?, clientId: String, deadlineMs: Int64, expectsAnswer: Bool = true,
        broker: String, adapt: ((inout R, Int16) -> Void)? = nil,
        completion: @escaping (Result<R.Response?, ClientError>) -> Void
    ) {
        self.init(
            api: R.api, versions: versions ?? R.api.versions, deadlineMs: deadlineMs, expectsAnswer: expectsAnswer,
            encode: { version, correlationId throws(WireError) in
                var request = request
                adapt?(&request, version)
                return try Framing.request(request, version: version, correlationId: correlationId, clientId: clientId)
            },
            finish: { result in
                switch result {
                case .failure(let error): completion(.failure(error))
                case .success(let answer):
                    guard expectsAnswer else { return completion(.success(nil)) }
                    do throws(WireError) {
                        let (_, response) = try Framing.readResponse(to: R.self, answer.frame, version: answer.version)
                        completion(.success(response))
                    } catch {
                        completion(.failure(.unreadable("\(R.api.key)", from: broker, error)))
                    }
                }
            })
    }
}
