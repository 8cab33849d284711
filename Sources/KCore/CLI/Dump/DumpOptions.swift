/// How much of files is printed, and how.
struct DumpOptions {
    enum Detail {
        case batches
        /// Also a line for each record, without key and value.
        case records
        /// Also its key and value.
        case data
    }

    enum IndexMode {
        case entries
        /// Only whether the entries contradict each other.
        case sanity
        /// Only whether the entries agree with the log beside the index.
        case againstLog
    }

    var detail = Detail.batches
    var indexMode = IndexMode.entries
    /// Leaves out what stands in front of key and value.
    var skipsRecordMetadata = false
    /// Nil: what the directory's name says.
    var decoder: RecordDecoder?
    var keyDecoder = FieldDecoder.string
    var valueDecoder = FieldDecoder.string
    /// Bytes of a segment that are looked at.
    var maxBytes = Int64.max
    /// Bytes; a larger batch ends its file.
    var maxBatchBytes = Int64.max

    /// What records of the file at `path` mean.
    func decoder(for path: String) -> RecordDecoder {
        if let decoder { return decoder }
        let directory = parentDirectory(path).split(separator: "/").last.map(String.init) ?? ""
        if let topic = LogDirectoryName.parse(directory)?.topic, let own = RecordDecoder(topic: topic) { return own }
        return .data(key: keyDecoder, value: valueDecoder)
    }
}
