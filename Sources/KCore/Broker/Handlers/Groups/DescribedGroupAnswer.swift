/// A group as a request that describes groups answers.
protocol DescribedGroupAnswer: Sendable {
    init()
    var groupId: String { get set }
    var errorCode: ErrorCode { get set }
    var authorizedOperations: Int32 { get set }
}

extension DescribeGroupsResponse.DescribedGroup: DescribedGroupAnswer {}
extension ConsumerGroupDescribeResponse.DescribedGroup: DescribedGroupAnswer {}

extension Call {
    /// Has each of several groups described, and `completion` called with all in the order of their names.
    /// - Parameter refusal: the error for a group that no coordinator could be asked about.
    func describe<Description: DescribedGroupAnswer>(
        _ groups: [String], tellsOperations: Bool,
        refusal: @escaping @Sendable (_ group: String, ErrorCode) -> ErrorCode = { $1 },
        _ body: @escaping @Sendable (_ group: String, GroupCoordinator) -> Description,
        completion: @escaping @Sendable ([Description]) -> Void
    ) {
        submit(
            each: groups, group: { $0 },
            refusal: { group, code in
                var answer = Description()
                answer.groupId = group
                answer.errorCode = refusal(group, code)
                return answer
            },
            { group, coordinator, _ in
                var answer = body(group, coordinator)
                if tellsOperations && answer.errorCode == .none {
                    answer.authorizedOperations = AuthorizedOperations.ofGroup
                }
                return answer
            }, completion: completion)
    }
}
