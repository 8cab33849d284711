/// A group as a request that describes groups answers.
protocol DescribedGroupAnswer: Sendable {
    init()
    var groupId: String { get set }
    var errorCode: ErrorCode { get set }
    var authorizedOperations: Int32 { get set }
    /// About how many bytes it takes.
    var size: Int { get }
}

extension DescribeGroupsResponse.DescribedGroup: DescribedGroupAnswer {
    var size: Int {
        members.reduce(64 + groupId.utf8.count) { bytes, member in
            bytes + 64 + member.memberId.utf8.count + member.clientId.utf8.count + member.memberMetadata.count
                + member.memberAssignment.count
        }
    }
}

extension ConsumerGroupDescribeResponse.DescribedGroup: DescribedGroupAnswer {
    var size: Int {
        func size(_ assignment: ConsumerGroupDescribeResponse.Assignment) -> Int {
            assignment.topicPartitions.reduce(0) { $0 + 24 + $1.topicName.utf8.count + 4 * $1.partitions.count }
        }
        return members.reduce(64 + groupId.utf8.count) { bytes, member in
            let wishes = member.subscribedTopicNames.reduce(member.subscribedTopicRegex?.utf8.count ?? 0) {
                $0 + $1.utf8.count
            }
            return bytes + 64 + member.memberId.utf8.count + member.clientId.utf8.count + wishes
                + size(member.assignment) + size(member.targetAssignment)
        }
    }
}

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
            each: groups, group: { $0 }, size: \.size,
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
