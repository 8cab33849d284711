// swift-tools-version: 6.2
import PackageDescription

// CI sets KAFKA_WARNINGS=error; elsewhere a warning of a newer compiler does not keep anybody from building.
let warnings: [SwiftSetting] =
    Context.environment["KAFKA_WARNINGS"] == "error" ? [.treatAllWarnings(as: .error)] : []

let features: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]
let settings = features + warnings

let tools = ["kbroker", "kproduce", "kconsume", "kadmin"]

// Each folder of KCore explains itself in a README, which the compiler need not see.
let folders = [
    "Base", "Wire", "Messages", "Records", "Log", "Log/Cleaning", "Net", "Cluster", "Replication", "Coordination",
    "Groups", "Transactions", "Broker", "Client", "CLI",
]
let readmes = folders.map { "\($0)/README.md" }

let libraries: [Target] = [
    .systemLibrary(name: "CKernel", path: "Sources/CKernel"),
    .systemLibrary(name: "CLZ4", path: "Sources/CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    .target(name: "KCore", dependencies: ["CKernel", "CLZ4"], exclude: readmes, swiftSettings: settings),
    .testTarget(
        name: "KCoreTests", dependencies: ["KCore"],
        exclude: ["Log/Simulation/README.md", "Coordination/Simulation/README.md"],
        swiftSettings: settings),
]

let package = Package(
    name: "kafka",
    products: tools.map { .executable(name: $0, targets: [$0]) } + [.library(name: "KCore", targets: ["KCore"])],
    targets: libraries + tools.map { .executableTarget(name: $0, dependencies: ["KCore"], swiftSettings: settings) },
    swiftLanguageModes: [.v6]
)
