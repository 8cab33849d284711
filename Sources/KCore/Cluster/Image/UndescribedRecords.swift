extension [MetadataLogRecord] {
    /// Adds a record that nothing here looks at. What it takes the place of goes, so that the list does not grow with
    /// the log; records whose meaning is not known all stay.
    mutating func keep(_ record: MetadataLogRecord) {
        switch record {
        case .removeAccessControlEntry(let gone):
            removeAll { if case .accessControlEntry(let entry) = $0 { entry.id == gone.id } else { false } }
        case .userScramCredential(let new):
            remove(scram: new.name, new.mechanism)
            append(record)
        case .removeUserScramCredential(let gone): remove(scram: gone.name, gone.mechanism)
        case .clientQuota(let new):
            removeAll {
                if case .clientQuota(let old) = $0 { old.key == new.key && old.entity == new.entity } else { false }
            }
            if !new.remove { append(record) }
        case .delegationToken(let new):
            remove(token: new.tokenId)
            append(record)
        case .removeDelegationToken(let gone): remove(token: gone.tokenId)
        case .zkMigrationState:
            removeAll { if case .zkMigrationState = $0 { true } else { false } }
            append(record)
        default: append(record)
        }
    }

    private mutating func remove(scram name: String, _ mechanism: Int8) {
        removeAll {
            if case .userScramCredential(let old) = $0 { old.name == name && old.mechanism == mechanism } else { false }
        }
    }

    private mutating func remove(token id: String) {
        removeAll { if case .delegationToken(let old) = $0 { old.tokenId == id } else { false } }
    }
}
