/// What a client may do, as bits by Kafka's numbers of operations (KIP-430). Without an authorizer everybody may do
/// everything that there is for a resource.
enum AuthorizedOperations {
    /// Read, write, create, delete, alter, describe, describe configs, alter configs.
    static let ofTopic = bits(of: [3, 4, 5, 6, 7, 8, 10, 11])
    /// Read, delete, describe.
    static let ofGroup = bits(of: [3, 6, 8])
    /// Create, alter, describe, cluster action, describe configs, alter configs, idempotent write.
    static let ofCluster = bits(of: [5, 7, 8, 9, 10, 11, 12])

    private static func bits(of operations: [Int]) -> Int32 { operations.reduce(0) { $0 | 1 << $1 } }
}
