// What libFuzzer calls. Compiled together with the layers of KCore that decode (see `run`), so everything is in reach.

/// The first byte of an input says what the rest is given to; `seeds` writes inputs in this form.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: data, count: size)
    guard let first = input.first else { return 0 }
    let rest = UnsafeRawBufferPointer(rebasing: input[1...])
    switch first {
    case UInt8(ascii: "q"): FuzzMessages.request(rest)
    case UInt8(ascii: "s"): FuzzMessages.response(rest)
    case UInt8(ascii: "h"): FuzzMessages.header(rest)
    case UInt8(ascii: "m"): FuzzMessages.metadataRecord(rest)
    case UInt8(ascii: "g"): FuzzFiles.groupRecord(rest)
    case UInt8(ascii: "t"): FuzzFiles.transactionRecord(rest)
    case UInt8(ascii: "f"): FuzzFiles.file(rest)
    case UInt8(ascii: "b"): FuzzRecords.batches(rest)
    case UInt8(ascii: "l"): FuzzRecords.messageSet(rest)
    case UInt8(ascii: "c"): FuzzRecords.codec(rest)
    case UInt8(ascii: "r"): FuzzRecords.records(rest)
    default: break
    }
    return 0
}
