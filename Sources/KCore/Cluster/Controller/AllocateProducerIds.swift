/// Asks for a block of producer ids, none of which anybody has got before (KIP-730).
struct AllocateProducerIds: ControllerRequest {
    var brokerId: Int32
    /// Of the broker's present registration; -1 not to check it.
    var brokerEpoch: Int64 = -1

    struct Block: Sendable, Equatable {
        var errorCode = ErrorCode.none
        var first: Int64 = 0
        var count: Int64 = 0

        /// The ids; empty after an error.
        var ids: Range<Int64> { first..<first + count }
    }

    func decide(_ controller: inout Controller, _ image: ClusterImage) -> ControllerResult<Block> {
        guard let broker = image.brokers[brokerId] else {
            return ControllerResult(response: Block(errorCode: .brokerIdNotRegistered))
        }
        if brokerEpoch >= 0 && brokerEpoch != broker.epoch {
            return ControllerResult(response: Block(errorCode: .staleBrokerEpoch))
        }
        let count = Controller.producerIdBlockSize
        guard image.nextProducerId <= Int64.max - count else {
            return ControllerResult(response: Block(errorCode: .unknownServerError))
        }
        var record = ProducerIdsRecord()
        record.brokerId = brokerId
        record.brokerEpoch = broker.epoch
        record.nextProducerId = image.nextProducerId + count
        return ControllerResult(
            records: [.producerIds(record)], response: Block(first: image.nextProducerId, count: count))
    }

    func refused(_ error: ApiError) -> Block { Block(errorCode: error.code) }
}
