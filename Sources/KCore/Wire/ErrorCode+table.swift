extension ErrorCode {
    public static let unknownServerError = ErrorCode(rawValue: -1)
    public static let none = ErrorCode(rawValue: 0)
    public static let offsetOutOfRange = ErrorCode(rawValue: 1)
    public static let corruptMessage = ErrorCode(rawValue: 2)
    public static let unknownTopicOrPartition = ErrorCode(rawValue: 3)
    public static let invalidFetchSize = ErrorCode(rawValue: 4)
    public static let leaderNotAvailable = ErrorCode(rawValue: 5)
    public static let notLeaderOrFollower = ErrorCode(rawValue: 6)
    public static let requestTimedOut = ErrorCode(rawValue: 7)
    public static let brokerNotAvailable = ErrorCode(rawValue: 8)
    public static let replicaNotAvailable = ErrorCode(rawValue: 9)
    public static let messageTooLarge = ErrorCode(rawValue: 10)
    public static let staleControllerEpoch = ErrorCode(rawValue: 11)
    public static let offsetMetadataTooLarge = ErrorCode(rawValue: 12)
    public static let networkException = ErrorCode(rawValue: 13)
    public static let coordinatorLoadInProgress = ErrorCode(rawValue: 14)
    public static let coordinatorNotAvailable = ErrorCode(rawValue: 15)
    public static let notCoordinator = ErrorCode(rawValue: 16)
    public static let invalidTopicException = ErrorCode(rawValue: 17)
    public static let recordListTooLarge = ErrorCode(rawValue: 18)
    public static let notEnoughReplicas = ErrorCode(rawValue: 19)
    public static let notEnoughReplicasAfterAppend = ErrorCode(rawValue: 20)
    public static let invalidRequiredAcks = ErrorCode(rawValue: 21)
    public static let illegalGeneration = ErrorCode(rawValue: 22)
    public static let inconsistentGroupProtocol = ErrorCode(rawValue: 23)
    public static let invalidGroupId = ErrorCode(rawValue: 24)
    public static let unknownMemberId = ErrorCode(rawValue: 25)
    public static let invalidSessionTimeout = ErrorCode(rawValue: 26)
    public static let rebalanceInProgress = ErrorCode(rawValue: 27)
    public static let invalidCommitOffsetSize = ErrorCode(rawValue: 28)
    public static let topicAuthorizationFailed = ErrorCode(rawValue: 29)
    public static let groupAuthorizationFailed = ErrorCode(rawValue: 30)
    public static let clusterAuthorizationFailed = ErrorCode(rawValue: 31)
    public static let invalidTimestamp = ErrorCode(rawValue: 32)
    public static let unsupportedSaslMechanism = ErrorCode(rawValue: 33)
    public static let illegalSaslState = ErrorCode(rawValue: 34)
    public static let unsupportedVersion = ErrorCode(rawValue: 35)
    public static let topicAlreadyExists = ErrorCode(rawValue: 36)
    public static let invalidPartitions = ErrorCode(rawValue: 37)
    public static let invalidReplicationFactor = ErrorCode(rawValue: 38)
    public static let invalidReplicaAssignment = ErrorCode(rawValue: 39)
    public static let invalidConfig = ErrorCode(rawValue: 40)
    public static let notController = ErrorCode(rawValue: 41)
    public static let invalidRequest = ErrorCode(rawValue: 42)
    public static let unsupportedForMessageFormat = ErrorCode(rawValue: 43)
    public static let policyViolation = ErrorCode(rawValue: 44)
    public static let outOfOrderSequenceNumber = ErrorCode(rawValue: 45)
    public static let duplicateSequenceNumber = ErrorCode(rawValue: 46)
    public static let invalidProducerEpoch = ErrorCode(rawValue: 47)
    public static let invalidTxnState = ErrorCode(rawValue: 48)
    public static let invalidProducerIdMapping = ErrorCode(rawValue: 49)
    public static let invalidTransactionTimeout = ErrorCode(rawValue: 50)
    public static let concurrentTransactions = ErrorCode(rawValue: 51)
    public static let transactionCoordinatorFenced = ErrorCode(rawValue: 52)
    public static let transactionalIdAuthorizationFailed = ErrorCode(rawValue: 53)
    public static let securityDisabled = ErrorCode(rawValue: 54)
    public static let operationNotAttempted = ErrorCode(rawValue: 55)
    public static let kafkaStorageError = ErrorCode(rawValue: 56)
    public static let logDirNotFound = ErrorCode(rawValue: 57)
    public static let saslAuthenticationFailed = ErrorCode(rawValue: 58)
    public static let unknownProducerId = ErrorCode(rawValue: 59)
    public static let reassignmentInProgress = ErrorCode(rawValue: 60)
    public static let delegationTokenAuthDisabled = ErrorCode(rawValue: 61)
    public static let delegationTokenNotFound = ErrorCode(rawValue: 62)
    public static let delegationTokenOwnerMismatch = ErrorCode(rawValue: 63)
    public static let delegationTokenRequestNotAllowed = ErrorCode(rawValue: 64)
    public static let delegationTokenAuthorizationFailed = ErrorCode(rawValue: 65)
    public static let delegationTokenExpired = ErrorCode(rawValue: 66)
    public static let invalidPrincipalType = ErrorCode(rawValue: 67)
    public static let nonEmptyGroup = ErrorCode(rawValue: 68)
    public static let groupIdNotFound = ErrorCode(rawValue: 69)
    public static let fetchSessionIdNotFound = ErrorCode(rawValue: 70)
    public static let invalidFetchSessionEpoch = ErrorCode(rawValue: 71)
    public static let listenerNotFound = ErrorCode(rawValue: 72)
    public static let topicDeletionDisabled = ErrorCode(rawValue: 73)
    public static let fencedLeaderEpoch = ErrorCode(rawValue: 74)
    public static let unknownLeaderEpoch = ErrorCode(rawValue: 75)
    public static let unsupportedCompressionType = ErrorCode(rawValue: 76)
    public static let staleBrokerEpoch = ErrorCode(rawValue: 77)
    public static let offsetNotAvailable = ErrorCode(rawValue: 78)
    public static let memberIdRequired = ErrorCode(rawValue: 79)
    public static let preferredLeaderNotAvailable = ErrorCode(rawValue: 80)
    public static let groupMaxSizeReached = ErrorCode(rawValue: 81)
    public static let fencedInstanceId = ErrorCode(rawValue: 82)
    public static let eligibleLeadersNotAvailable = ErrorCode(rawValue: 83)
    public static let electionNotNeeded = ErrorCode(rawValue: 84)
    public static let noReassignmentInProgress = ErrorCode(rawValue: 85)
    public static let groupSubscribedToTopic = ErrorCode(rawValue: 86)
    public static let invalidRecord = ErrorCode(rawValue: 87)
    public static let unstableOffsetCommit = ErrorCode(rawValue: 88)
    public static let throttlingQuotaExceeded = ErrorCode(rawValue: 89)
    public static let producerFenced = ErrorCode(rawValue: 90)
    public static let resourceNotFound = ErrorCode(rawValue: 91)
    public static let duplicateResource = ErrorCode(rawValue: 92)
    public static let unacceptableCredential = ErrorCode(rawValue: 93)
    public static let inconsistentVoterSet = ErrorCode(rawValue: 94)
    public static let invalidUpdateVersion = ErrorCode(rawValue: 95)
    public static let featureUpdateFailed = ErrorCode(rawValue: 96)
    public static let principalDeserializationFailure = ErrorCode(rawValue: 97)
    public static let snapshotNotFound = ErrorCode(rawValue: 98)
    public static let positionOutOfRange = ErrorCode(rawValue: 99)
    public static let unknownTopicId = ErrorCode(rawValue: 100)
    public static let duplicateBrokerRegistration = ErrorCode(rawValue: 101)
    public static let brokerIdNotRegistered = ErrorCode(rawValue: 102)
    public static let inconsistentTopicId = ErrorCode(rawValue: 103)
    public static let inconsistentClusterId = ErrorCode(rawValue: 104)
    public static let transactionalIdNotFound = ErrorCode(rawValue: 105)
    public static let fetchSessionTopicIdError = ErrorCode(rawValue: 106)
    public static let ineligibleReplica = ErrorCode(rawValue: 107)
    public static let newLeaderElected = ErrorCode(rawValue: 108)
    public static let offsetMovedToTieredStorage = ErrorCode(rawValue: 109)
    public static let fencedMemberEpoch = ErrorCode(rawValue: 110)
    public static let unreleasedInstanceId = ErrorCode(rawValue: 111)
    public static let unsupportedAssignor = ErrorCode(rawValue: 112)
    public static let staleMemberEpoch = ErrorCode(rawValue: 113)
    public static let mismatchedEndpointType = ErrorCode(rawValue: 114)
    public static let unsupportedEndpointType = ErrorCode(rawValue: 115)
    public static let unknownControllerId = ErrorCode(rawValue: 116)
    public static let unknownSubscriptionId = ErrorCode(rawValue: 117)
    public static let telemetryTooLarge = ErrorCode(rawValue: 118)
    public static let invalidRegistration = ErrorCode(rawValue: 119)
    public static let transactionAbortable = ErrorCode(rawValue: 120)
    public static let invalidRecordState = ErrorCode(rawValue: 121)
    public static let shareSessionNotFound = ErrorCode(rawValue: 122)
    public static let invalidShareSessionEpoch = ErrorCode(rawValue: 123)
    public static let fencedStateEpoch = ErrorCode(rawValue: 124)
    public static let invalidVoterKey = ErrorCode(rawValue: 125)
    public static let duplicateVoter = ErrorCode(rawValue: 126)
    public static let voterNotFound = ErrorCode(rawValue: 127)
    public static let invalidRegularExpression = ErrorCode(rawValue: 128)
    public static let rebootstrapRequired = ErrorCode(rawValue: 129)

    /// By number, from -1 up. Which are retriable is Kafka's own division (org.apache.kafka.common.protocol.Errors).
    static let entries: [Entry] = [
        Entry(name: "UNKNOWN_SERVER_ERROR", isRetriable: false, meaning: "the server met an error it did not expect"),
        Entry(name: "NONE", isRetriable: false, meaning: "no error"),
        Entry(name: "OFFSET_OUT_OF_RANGE", isRetriable: false, meaning: "the offset is outside of what the partition holds"),
        Entry(name: "CORRUPT_MESSAGE", isRetriable: true, meaning: "a record failed its checksum, is too large or malformed, or lacks a key in a compacted topic"),
        Entry(name: "UNKNOWN_TOPIC_OR_PARTITION", isRetriable: true, meaning: "this server does not have the topic or partition"),
        Entry(name: "INVALID_FETCH_SIZE", isRetriable: false, meaning: "the fetch size is invalid"),
        Entry(name: "LEADER_NOT_AVAILABLE", isRetriable: true, meaning: "the partition has no leader at the moment"),
        Entry(name: "NOT_LEADER_OR_FOLLOWER", isRetriable: true, meaning: "this broker is not the leader, or not a replica, of the partition"),
        Entry(name: "REQUEST_TIMED_OUT", isRetriable: true, meaning: "the request was not finished in its time"),
        Entry(name: "BROKER_NOT_AVAILABLE", isRetriable: false, meaning: "the broker is not available"),
        Entry(name: "REPLICA_NOT_AVAILABLE", isRetriable: true, meaning: "the replica is not available"),
        Entry(name: "MESSAGE_TOO_LARGE", isRetriable: false, meaning: "the batch is larger than max.message.bytes"),
        Entry(name: "STALE_CONTROLLER_EPOCH", isRetriable: false, meaning: "the controller has moved to another broker"),
        Entry(name: "OFFSET_METADATA_TOO_LARGE", isRetriable: false, meaning: "the metadata of a committed offset is too large"),
        Entry(name: "NETWORK_EXCEPTION", isRetriable: true, meaning: "the connection was lost before an answer came"),
        Entry(name: "COORDINATOR_LOAD_IN_PROGRESS", isRetriable: true, meaning: "the coordinator is still loading"),
        Entry(name: "COORDINATOR_NOT_AVAILABLE", isRetriable: true, meaning: "the coordinator is not available"),
        Entry(name: "NOT_COORDINATOR", isRetriable: true, meaning: "this broker is not the coordinator"),
        Entry(name: "INVALID_TOPIC_EXCEPTION", isRetriable: false, meaning: "the topic name is not allowed"),
        Entry(name: "RECORD_LIST_TOO_LARGE", isRetriable: false, meaning: "the record list is larger than a segment"),
        Entry(name: "NOT_ENOUGH_REPLICAS", isRetriable: true, meaning: "fewer replicas are in sync than min.insync.replicas"),
        Entry(name: "NOT_ENOUGH_REPLICAS_AFTER_APPEND", isRetriable: true, meaning: "the records were written, but to fewer replicas than min.insync.replicas"),
        Entry(name: "INVALID_REQUIRED_ACKS", isRetriable: false, meaning: "acks must be 0, 1 or -1"),
        Entry(name: "ILLEGAL_GENERATION", isRetriable: false, meaning: "the generation is not the group's current one"),
        Entry(name: "INCONSISTENT_GROUP_PROTOCOL", isRetriable: false, meaning: "the member's protocols do not fit the group's"),
        Entry(name: "INVALID_GROUP_ID", isRetriable: false, meaning: "the group id is not allowed"),
        Entry(name: "UNKNOWN_MEMBER_ID", isRetriable: false, meaning: "the group does not know this member"),
        Entry(name: "INVALID_SESSION_TIMEOUT", isRetriable: false, meaning: "the session timeout is outside of the allowed range"),
        Entry(name: "REBALANCE_IN_PROGRESS", isRetriable: false, meaning: "the group is rebalancing, so the member must rejoin"),
        Entry(name: "INVALID_COMMIT_OFFSET_SIZE", isRetriable: false, meaning: "the committed offset is too large to be stored"),
        Entry(name: "TOPIC_AUTHORIZATION_FAILED", isRetriable: false, meaning: "not authorized for the topic"),
        Entry(name: "GROUP_AUTHORIZATION_FAILED", isRetriable: false, meaning: "not authorized for the group"),
        Entry(name: "CLUSTER_AUTHORIZATION_FAILED", isRetriable: false, meaning: "not authorized for the cluster"),
        Entry(name: "INVALID_TIMESTAMP", isRetriable: false, meaning: "a record's timestamp is outside of the allowed range"),
        Entry(name: "UNSUPPORTED_SASL_MECHANISM", isRetriable: false, meaning: "the server does not offer this SASL mechanism"),
        Entry(name: "ILLEGAL_SASL_STATE", isRetriable: false, meaning: "the request is not allowed in this state of SASL authentication"),
        Entry(name: "UNSUPPORTED_VERSION", isRetriable: false, meaning: "the server does not support this version of the API"),
        Entry(name: "TOPIC_ALREADY_EXISTS", isRetriable: false, meaning: "a topic with this name exists"),
        Entry(name: "INVALID_PARTITIONS", isRetriable: false, meaning: "the number of partitions is not allowed"),
        Entry(name: "INVALID_REPLICATION_FACTOR", isRetriable: false, meaning: "the replication factor is not allowed, or larger than the number of brokers"),
        Entry(name: "INVALID_REPLICA_ASSIGNMENT", isRetriable: false, meaning: "the replica assignment is not allowed"),
        Entry(name: "INVALID_CONFIG", isRetriable: false, meaning: "a configuration value is not allowed"),
        Entry(name: "NOT_CONTROLLER", isRetriable: true, meaning: "this broker is not the controller"),
        Entry(name: "INVALID_REQUEST", isRetriable: false, meaning: "the request contradicts itself or the protocol"),
        Entry(name: "UNSUPPORTED_FOR_MESSAGE_FORMAT", isRetriable: false, meaning: "the stored message format does not have what was asked for"),
        Entry(name: "POLICY_VIOLATION", isRetriable: false, meaning: "the request violates a policy of the server"),
        Entry(name: "OUT_OF_ORDER_SEQUENCE_NUMBER", isRetriable: false, meaning: "the producer's sequence number does not follow the last one"),
        Entry(name: "DUPLICATE_SEQUENCE_NUMBER", isRetriable: false, meaning: "the broker has seen this sequence number before"),
        Entry(name: "INVALID_PRODUCER_EPOCH", isRetriable: false, meaning: "a newer producer with the same id has taken over"),
        Entry(name: "INVALID_TXN_STATE", isRetriable: false, meaning: "the transaction is in a state that does not allow this"),
        Entry(name: "INVALID_PRODUCER_ID_MAPPING", isRetriable: false, meaning: "the producer id does not belong to the transactional id"),
        Entry(name: "INVALID_TRANSACTION_TIMEOUT", isRetriable: false, meaning: "the transaction timeout is larger than transaction.max.timeout.ms"),
        Entry(name: "CONCURRENT_TRANSACTIONS", isRetriable: true, meaning: "another operation on the same transaction is under way"),
        Entry(name: "TRANSACTION_COORDINATOR_FENCED", isRetriable: false, meaning: "the transaction coordinator has been replaced by a newer one"),
        Entry(name: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", isRetriable: false, meaning: "not authorized for the transactional id"),
        Entry(name: "SECURITY_DISABLED", isRetriable: false, meaning: "security features are switched off"),
        Entry(name: "OPERATION_NOT_ATTEMPTED", isRetriable: false, meaning: "not attempted, because an earlier one of the same request failed"),
        Entry(name: "KAFKA_STORAGE_ERROR", isRetriable: true, meaning: "the disk of the log could not be read or written"),
        Entry(name: "LOG_DIR_NOT_FOUND", isRetriable: false, meaning: "the broker does not have this log directory"),
        Entry(name: "SASL_AUTHENTICATION_FAILED", isRetriable: false, meaning: "SASL authentication failed"),
        Entry(name: "UNKNOWN_PRODUCER_ID", isRetriable: false, meaning: "the broker has no state of this producer"),
        Entry(name: "REASSIGNMENT_IN_PROGRESS", isRetriable: false, meaning: "a reassignment of the partition is under way"),
        Entry(name: "DELEGATION_TOKEN_AUTH_DISABLED", isRetriable: false, meaning: "delegation tokens are switched off"),
        Entry(name: "DELEGATION_TOKEN_NOT_FOUND", isRetriable: false, meaning: "the delegation token does not exist"),
        Entry(name: "DELEGATION_TOKEN_OWNER_MISMATCH", isRetriable: false, meaning: "the principal is not the owner of the delegation token"),
        Entry(name: "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", isRetriable: false, meaning: "delegation tokens may not be requested on this channel"),
        Entry(name: "DELEGATION_TOKEN_AUTHORIZATION_FAILED", isRetriable: false, meaning: "not authorized for the delegation token"),
        Entry(name: "DELEGATION_TOKEN_EXPIRED", isRetriable: false, meaning: "the delegation token has expired"),
        Entry(name: "INVALID_PRINCIPAL_TYPE", isRetriable: false, meaning: "the principal's type is not supported"),
        Entry(name: "NON_EMPTY_GROUP", isRetriable: false, meaning: "the group still has members"),
        Entry(name: "GROUP_ID_NOT_FOUND", isRetriable: false, meaning: "the group does not exist"),
        Entry(name: "FETCH_SESSION_ID_NOT_FOUND", isRetriable: true, meaning: "the fetch session does not exist"),
        Entry(name: "INVALID_FETCH_SESSION_EPOCH", isRetriable: true, meaning: "the epoch of the fetch session is not the next one"),
        Entry(name: "LISTENER_NOT_FOUND", isRetriable: true, meaning: "the leader has no listener that fits this connection"),
        Entry(name: "TOPIC_DELETION_DISABLED", isRetriable: false, meaning: "deletion of topics is switched off"),
        Entry(name: "FENCED_LEADER_EPOCH", isRetriable: true, meaning: "the request's leader epoch is older than the broker's"),
        Entry(name: "UNKNOWN_LEADER_EPOCH", isRetriable: true, meaning: "the request's leader epoch is newer than the broker's"),
        Entry(name: "UNSUPPORTED_COMPRESSION_TYPE", isRetriable: false, meaning: "this version of the API does not allow the compression type"),
        Entry(name: "STALE_BROKER_EPOCH", isRetriable: false, meaning: "the broker has registered anew since"),
        Entry(name: "OFFSET_NOT_AVAILABLE", isRetriable: true, meaning: "the leader has not caught up with its high watermark yet"),
        Entry(name: "MEMBER_ID_REQUIRED", isRetriable: false, meaning: "the member must join again with the id that the answer gives it"),
        Entry(name: "PREFERRED_LEADER_NOT_AVAILABLE", isRetriable: true, meaning: "the preferred leader is not available"),
        Entry(name: "GROUP_MAX_SIZE_REACHED", isRetriable: false, meaning: "the group is full"),
        Entry(name: "FENCED_INSTANCE_ID", isRetriable: false, meaning: "another member with the same static id has taken over"),
        Entry(name: "ELIGIBLE_LEADERS_NOT_AVAILABLE", isRetriable: true, meaning: "no eligible leader is available"),
        Entry(name: "ELECTION_NOT_NEEDED", isRetriable: true, meaning: "the partition already has the leader asked for"),
        Entry(name: "NO_REASSIGNMENT_IN_PROGRESS", isRetriable: false, meaning: "no reassignment of the partition is under way"),
        Entry(name: "GROUP_SUBSCRIBED_TO_TOPIC", isRetriable: false, meaning: "the group is subscribed to the topic"),
        Entry(name: "INVALID_RECORD", isRetriable: false, meaning: "a record was refused by the broker's checks"),
        Entry(name: "UNSTABLE_OFFSET_COMMIT", isRetriable: true, meaning: "offsets of an open transaction are not stable yet"),
        Entry(name: "THROTTLING_QUOTA_EXCEEDED", isRetriable: true, meaning: "the quota is used up for now"),
        Entry(name: "PRODUCER_FENCED", isRetriable: false, meaning: "a newer producer with the same transactional id has taken over"),
        Entry(name: "RESOURCE_NOT_FOUND", isRetriable: false, meaning: "the resource does not exist"),
        Entry(name: "DUPLICATE_RESOURCE", isRetriable: false, meaning: "the resource exists already"),
        Entry(name: "UNACCEPTABLE_CREDENTIAL", isRetriable: false, meaning: "the credential is not acceptable"),
        Entry(name: "INCONSISTENT_VOTER_SET", isRetriable: false, meaning: "the sender and the receiver disagree on the voters"),
        Entry(name: "INVALID_UPDATE_VERSION", isRetriable: false, meaning: "the version of the update is not allowed"),
        Entry(name: "FEATURE_UPDATE_FAILED", isRetriable: false, meaning: "the features could not be updated"),
        Entry(name: "PRINCIPAL_DESERIALIZATION_FAILURE", isRetriable: false, meaning: "the principal could not be read"),
        Entry(name: "SNAPSHOT_NOT_FOUND", isRetriable: false, meaning: "the snapshot does not exist"),
        Entry(name: "POSITION_OUT_OF_RANGE", isRetriable: false, meaning: "the position is outside of the snapshot"),
        Entry(name: "UNKNOWN_TOPIC_ID", isRetriable: true, meaning: "this server does not have a topic with this id"),
        Entry(name: "DUPLICATE_BROKER_REGISTRATION", isRetriable: false, meaning: "another broker with this id is registered"),
        Entry(name: "BROKER_ID_NOT_REGISTERED", isRetriable: false, meaning: "no broker with this id is registered"),
        Entry(name: "INCONSISTENT_TOPIC_ID", isRetriable: true, meaning: "the topic id does not belong to the topic"),
        Entry(name: "INCONSISTENT_CLUSTER_ID", isRetriable: false, meaning: "the cluster id is another cluster's"),
        Entry(name: "TRANSACTIONAL_ID_NOT_FOUND", isRetriable: false, meaning: "the transactional id does not exist"),
        Entry(name: "FETCH_SESSION_TOPIC_ID_ERROR", isRetriable: true, meaning: "the fetch session uses topic ids where the request does not, or the other way round"),
        Entry(name: "INELIGIBLE_REPLICA", isRetriable: false, meaning: "the replica is not eligible for the in-sync set"),
        Entry(name: "NEW_LEADER_ELECTED", isRetriable: false, meaning: "the change made the partition's leader resign"),
        Entry(name: "OFFSET_MOVED_TO_TIERED_STORAGE", isRetriable: false, meaning: "the offset lives in tiered storage"),
        Entry(name: "FENCED_MEMBER_EPOCH", isRetriable: false, meaning: "the member's epoch is not the group's, so it must rejoin"),
        Entry(name: "UNRELEASED_INSTANCE_ID", isRetriable: false, meaning: "another member still uses the static id"),
        Entry(name: "UNSUPPORTED_ASSIGNOR", isRetriable: false, meaning: "the group does not have this assignor"),
        Entry(name: "STALE_MEMBER_EPOCH", isRetriable: false, meaning: "the member's epoch is old, so it must wait for a new one and try again"),
        Entry(name: "MISMATCHED_ENDPOINT_TYPE", isRetriable: false, meaning: "the request was sent to an endpoint of the wrong kind"),
        Entry(name: "UNSUPPORTED_ENDPOINT_TYPE", isRetriable: false, meaning: "this kind of endpoint is not known"),
        Entry(name: "UNKNOWN_CONTROLLER_ID", isRetriable: false, meaning: "the controller id is not known"),
        Entry(name: "UNKNOWN_SUBSCRIPTION_ID", isRetriable: false, meaning: "the telemetry subscription is not the current one"),
        Entry(name: "TELEMETRY_TOO_LARGE", isRetriable: false, meaning: "the telemetry is larger than the broker takes"),
        Entry(name: "INVALID_REGISTRATION", isRetriable: false, meaning: "the registration is not valid"),
        Entry(name: "TRANSACTION_ABORTABLE", isRetriable: false, meaning: "the transaction must be aborted"),
        Entry(name: "INVALID_RECORD_STATE", isRetriable: false, meaning: "the record is in a state that does not allow this"),
        Entry(name: "SHARE_SESSION_NOT_FOUND", isRetriable: true, meaning: "the share session does not exist"),
        Entry(name: "INVALID_SHARE_SESSION_EPOCH", isRetriable: true, meaning: "the epoch of the share session is not the next one"),
        Entry(name: "FENCED_STATE_EPOCH", isRetriable: false, meaning: "the share coordinator's epoch is older than the stored one"),
        Entry(name: "INVALID_VOTER_KEY", isRetriable: false, meaning: "the voter key is not the receiver's"),
        Entry(name: "DUPLICATE_VOTER", isRetriable: false, meaning: "the voter is in the voter set already"),
        Entry(name: "VOTER_NOT_FOUND", isRetriable: false, meaning: "the voter is not in the voter set"),
        Entry(name: "INVALID_REGULAR_EXPRESSION", isRetriable: false, meaning: "the regular expression is not valid"),
        Entry(name: "REBOOTSTRAP_REQUIRED", isRetriable: false, meaning: "the client must start again from its bootstrap servers"),
    ]
}
