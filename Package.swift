// swift-tools-version: 6.2
import PackageDescription

// `make` passes KAFKA_WARNINGS=error in CI, so that a warning on a newer compiler does not keep a user from building.
let strict: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (Context.environment["KAFKA_WARNINGS"] == "error" ? [.treatAllWarnings(as: .error)] : [])

let tools = ["kbroker", "kproduce", "kconsume", "kadmin"]

// Each folder of KCore explains itself in a README, which the compiler need not see.
let folders = ["Base", "Wire", "Messages", "Records", "Log", "Net", "Cluster", "Replication", "Broker", "Client", "CLI"]
let readmes = folders.map { "\($0)/README.md" }

let package = Package(
    name: "kafka",
    products: tools.map { .executable(name: $0, targets: [$0]) } + [.library(name: "KCore", targets: ["KCore"])],
    targets: [
        .systemLibrary(name: "CKernel", path: "Sources/CKernel"),
        .systemLibrary(name: "CLZ4", path: "Sources/CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .target(
            name: "KCore",
            dependencies: ["CKernel", "CLZ4"],
            exclude: readmes,
            swiftSettings: strict),
        .testTarget(name: "KCoreTests", dependencies: ["KCore"], swiftSettings: strict),
    ]
        + tools.map { .executableTarget(name: $0, dependencies: ["KCore"], swiftSettings: strict) },
    swiftLanguageModes: [.v6]
)
