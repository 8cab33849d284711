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
        .lasting("UNKNOWN_SERVER_ERROR", "the server met an error it did not expect"),
        .lasting("NONE", "no error"),
        .lasting("OFFSET_OUT_OF_RANGE", "the offset is outside of what the partition holds"),
        .retriable("CORRUPT_MESSAGE", "a record is malformed, failed its checksum, or lacks a key that it must have"),
        .retriable("UNKNOWN_TOPIC_OR_PARTITION", "this server does not have the topic or partition"),
        .lasting("INVALID_FETCH_SIZE", "the fetch size is invalid"),
        .retriable("LEADER_NOT_AVAILABLE", "the partition has no leader at the moment"),
        .retriable("NOT_LEADER_OR_FOLLOWER", "this broker is not the leader, or not a replica, of the partition"),
        .retriable("REQUEST_TIMED_OUT", "the request was not finished in its time"),
        .lasting("BROKER_NOT_AVAILABLE", "the broker is not available"),
        .retriable("REPLICA_NOT_AVAILABLE", "the replica is not available"),
        .lasting("MESSAGE_TOO_LARGE", "the batch is larger than max.message.bytes"),
        .lasting("STALE_CONTROLLER_EPOCH", "the controller has moved to another broker"),
        .lasting("OFFSET_METADATA_TOO_LARGE", "the metadata of a committed offset is too large"),
        .retriable("NETWORK_EXCEPTION", "the connection was lost before an answer came"),
        .retriable("COORDINATOR_LOAD_IN_PROGRESS", "the coordinator is still loading"),
        .retriable("COORDINATOR_NOT_AVAILABLE", "the coordinator is not available"),
        .retriable("NOT_COORDINATOR", "this broker is not the coordinator"),
        .lasting("INVALID_TOPIC_EXCEPTION", "the topic name is not allowed"),
        .lasting("RECORD_LIST_TOO_LARGE", "the record list is larger than a segment"),
        .retriable("NOT_ENOUGH_REPLICAS", "fewer replicas are in sync than min.insync.replicas"),
        .retriable("NOT_ENOUGH_REPLICAS_AFTER_APPEND", "written, but to fewer replicas than min.insync.replicas"),
        .lasting("INVALID_REQUIRED_ACKS", "acks must be 0, 1 or -1"),
        .lasting("ILLEGAL_GENERATION", "the generation is not the group's current one"),
        .lasting("INCONSISTENT_GROUP_PROTOCOL", "the member's protocols do not fit the group's"),
        .lasting("INVALID_GROUP_ID", "the group id is not allowed"),
        .lasting("UNKNOWN_MEMBER_ID", "the group does not know this member"),
        .lasting("INVALID_SESSION_TIMEOUT", "the session timeout is outside of the allowed range"),
        .lasting("REBALANCE_IN_PROGRESS", "the group is rebalancing, so the member must rejoin"),
        .lasting("INVALID_COMMIT_OFFSET_SIZE", "the committed offset is too large to be stored"),
        .lasting("TOPIC_AUTHORIZATION_FAILED", "not authorized for the topic"),
        .lasting("GROUP_AUTHORIZATION_FAILED", "not authorized for the group"),
        .lasting("CLUSTER_AUTHORIZATION_FAILED", "not authorized for the cluster"),
        .lasting("INVALID_TIMESTAMP", "a record's timestamp is outside of the allowed range"),
        .lasting("UNSUPPORTED_SASL_MECHANISM", "the server does not offer this SASL mechanism"),
        .lasting("ILLEGAL_SASL_STATE", "the request is not allowed in this state of SASL authentication"),
        .lasting("UNSUPPORTED_VERSION", "the server does not support this version of the API"),
        .lasting("TOPIC_ALREADY_EXISTS", "a topic with this name exists"),
        .lasting("INVALID_PARTITIONS", "the number of partitions is not allowed"),
        .lasting("INVALID_REPLICATION_FACTOR", "the replication factor is zero or larger than the number of brokers"),
        .lasting("INVALID_REPLICA_ASSIGNMENT", "the replica assignment is not allowed"),
        .lasting("INVALID_CONFIG", "a configuration value is not allowed"),
        .retriable("NOT_CONTROLLER", "this broker is not the controller"),
        .lasting("INVALID_REQUEST", "the request contradicts itself or the protocol"),
        .lasting("UNSUPPORTED_FOR_MESSAGE_FORMAT", "the stored message format does not have what was asked for"),
        .lasting("POLICY_VIOLATION", "the request violates a policy of the server"),
        .lasting("OUT_OF_ORDER_SEQUENCE_NUMBER", "the producer's sequence number does not follow the last one"),
        .lasting("DUPLICATE_SEQUENCE_NUMBER", "the broker has seen this sequence number before"),
        .lasting("INVALID_PRODUCER_EPOCH", "a newer producer with the same id has taken over"),
        .lasting("INVALID_TXN_STATE", "the transaction is in a state that does not allow this"),
        .lasting("INVALID_PRODUCER_ID_MAPPING", "the producer id does not belong to the transactional id"),
        .lasting("INVALID_TRANSACTION_TIMEOUT", "the transaction timeout is larger than transaction.max.timeout.ms"),
        .retriable("CONCURRENT_TRANSACTIONS", "another operation on the same transaction is under way"),
        .lasting("TRANSACTION_COORDINATOR_FENCED", "the transaction coordinator has been replaced by a newer one"),
        .lasting("TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "not authorized for the transactional id"),
        .lasting("SECURITY_DISABLED", "security features are switched off"),
        .lasting("OPERATION_NOT_ATTEMPTED", "not attempted, because an earlier one of the same request failed"),
        .retriable("KAFKA_STORAGE_ERROR", "the disk of the log could not be read or written"),
        .lasting("LOG_DIR_NOT_FOUND", "the broker does not have this log directory"),
        .lasting("SASL_AUTHENTICATION_FAILED", "SASL authentication failed"),
        .lasting("UNKNOWN_PRODUCER_ID", "the broker has no state of this producer"),
        .lasting("REASSIGNMENT_IN_PROGRESS", "a reassignment of the partition is under way"),
        .lasting("DELEGATION_TOKEN_AUTH_DISABLED", "delegation tokens are switched off"),
        .lasting("DELEGATION_TOKEN_NOT_FOUND", "the delegation token does not exist"),
        .lasting("DELEGATION_TOKEN_OWNER_MISMATCH", "the principal is not the owner of the delegation token"),
        .lasting("DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", "delegation tokens may not be requested on this channel"),
        .lasting("DELEGATION_TOKEN_AUTHORIZATION_FAILED", "not authorized for the delegation token"),
        .lasting("DELEGATION_TOKEN_EXPIRED", "the delegation token has expired"),
        .lasting("INVALID_PRINCIPAL_TYPE", "the principal's type is not supported"),
        .lasting("NON_EMPTY_GROUP", "the group still has members"),
        .lasting("GROUP_ID_NOT_FOUND", "the group does not exist"),
        .retriable("FETCH_SESSION_ID_NOT_FOUND", "the fetch session does not exist"),
        .retriable("INVALID_FETCH_SESSION_EPOCH", "the epoch of the fetch session is not the next one"),
        .retriable("LISTENER_NOT_FOUND", "the leader has no listener that fits this connection"),
        .lasting("TOPIC_DELETION_DISABLED", "deletion of topics is switched off"),
        .retriable("FENCED_LEADER_EPOCH", "the request's leader epoch is older than the broker's"),
        .retriable("UNKNOWN_LEADER_EPOCH", "the request's leader epoch is newer than the broker's"),
        .lasting("UNSUPPORTED_COMPRESSION_TYPE", "this version of the API does not allow the compression type"),
        .lasting("STALE_BROKER_EPOCH", "the broker has registered anew since"),
        .retriable("OFFSET_NOT_AVAILABLE", "the leader has not caught up with its high watermark yet"),
        .lasting("MEMBER_ID_REQUIRED", "the member must join again with the id that the answer gives it"),
        .retriable("PREFERRED_LEADER_NOT_AVAILABLE", "the preferred leader is not available"),
        .lasting("GROUP_MAX_SIZE_REACHED", "the group is full"),
        .lasting("FENCED_INSTANCE_ID", "another member with the same static id has taken over"),
        .retriable("ELIGIBLE_LEADERS_NOT_AVAILABLE", "no eligible leader is available"),
        .retriable("ELECTION_NOT_NEEDED", "the partition already has the leader asked for"),
        .lasting("NO_REASSIGNMENT_IN_PROGRESS", "no reassignment of the partition is under way"),
        .lasting("GROUP_SUBSCRIBED_TO_TOPIC", "the group is subscribed to the topic"),
        .lasting("INVALID_RECORD", "a record was refused by the broker's checks"),
        .retriable("UNSTABLE_OFFSET_COMMIT", "offsets of an open transaction are not stable yet"),
        .retriable("THROTTLING_QUOTA_EXCEEDED", "the quota is used up for now"),
        .lasting("PRODUCER_FENCED", "a newer producer with the same transactional id has taken over"),
        .lasting("RESOURCE_NOT_FOUND", "the resource does not exist"),
        .lasting("DUPLICATE_RESOURCE", "the resource exists already"),
        .lasting("UNACCEPTABLE_CREDENTIAL", "the credential is not acceptable"),
        .lasting("INCONSISTENT_VOTER_SET", "the sender and the receiver disagree on the voters"),
        .lasting("INVALID_UPDATE_VERSION", "the version of the update is not allowed"),
        .lasting("FEATURE_UPDATE_FAILED", "the features could not be updated"),
        .lasting("PRINCIPAL_DESERIALIZATION_FAILURE", "the principal could not be read"),
        .lasting("SNAPSHOT_NOT_FOUND", "the snapshot does not exist"),
        .lasting("POSITION_OUT_OF_RANGE", "the position is outside of the snapshot"),
        .retriable("UNKNOWN_TOPIC_ID", "this server does not have a topic with this id"),
        .lasting("DUPLICATE_BROKER_REGISTRATION", "another broker with this id is registered"),
        .lasting("BROKER_ID_NOT_REGISTERED", "no broker with this id is registered"),
        .retriable("INCONSISTENT_TOPIC_ID", "the topic id does not belong to the topic"),
        .lasting("INCONSISTENT_CLUSTER_ID", "the cluster id is another cluster's"),
        .lasting("TRANSACTIONAL_ID_NOT_FOUND", "the transactional id does not exist"),
        .retriable("FETCH_SESSION_TOPIC_ID_ERROR", "the fetch session and the request disagree on topic ids"),
        .lasting("INELIGIBLE_REPLICA", "the replica is not eligible for the in-sync set"),
        .lasting("NEW_LEADER_ELECTED", "the change made the partition's leader resign"),
        .lasting("OFFSET_MOVED_TO_TIERED_STORAGE", "the offset lives in tiered storage"),
        .lasting("FENCED_MEMBER_EPOCH", "the member's epoch is not the group's, so it must rejoin"),
        .lasting("UNRELEASED_INSTANCE_ID", "another member still uses the static id"),
        .lasting("UNSUPPORTED_ASSIGNOR", "the group does not have this assignor"),
        .lasting("STALE_MEMBER_EPOCH", "the member's epoch is old, so it must wait for a new one and try again"),
        .lasting("MISMATCHED_ENDPOINT_TYPE", "the request was sent to an endpoint of the wrong kind"),
        .lasting("UNSUPPORTED_ENDPOINT_TYPE", "this kind of endpoint is not known"),
        .lasting("UNKNOWN_CONTROLLER_ID", "the controller id is not known"),
        .lasting("UNKNOWN_SUBSCRIPTION_ID", "the telemetry subscription is not the current one"),
        .lasting("TELEMETRY_TOO_LARGE", "the telemetry is larger than the broker takes"),
        .lasting("INVALID_REGISTRATION", "the registration is not valid"),
        .lasting("TRANSACTION_ABORTABLE", "the transaction must be aborted"),
        .lasting("INVALID_RECORD_STATE", "the record is in a state that does not allow this"),
        .retriable("SHARE_SESSION_NOT_FOUND", "the share session does not exist"),
        .retriable("INVALID_SHARE_SESSION_EPOCH", "the epoch of the share session is not the next one"),
        .lasting("FENCED_STATE_EPOCH", "the share coordinator's epoch is older than the stored one"),
        .lasting("INVALID_VOTER_KEY", "the voter key is not the receiver's"),
        .lasting("DUPLICATE_VOTER", "the voter is in the voter set already"),
        .lasting("VOTER_NOT_FOUND", "the voter is not in the voter set"),
        .lasting("INVALID_REGULAR_EXPRESSION", "the regular expression is not valid"),
        .lasting("REBOOTSTRAP_REQUIRED", "the client must start again from its bootstrap servers"),
    ]
}
