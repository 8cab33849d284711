import Testing

@testable import KCore

@Suite struct NodeIdentityTests {
    private func open(
        _ disk: SimulatedDisk, _ paths: [String], nodeId: Int32? = nil, clusterId: String? = nil
    ) throws -> NodeIdentity {
        var random = SeededGenerator(seed: 3)
        return try NodeIdentity.open(disk: disk, paths: paths, nodeId: nodeId, clusterId: clusterId, using: &random)
    }

    @Test func `new directories get one cluster id and an id each, and keep them`() throws {
        let disk = SimulatedDisk()
        var first = try open(disk, ["/a", "/b"], nodeId: 4)
        #expect(first.newDirectories == ["/a", "/b"])
        first.newDirectories = []
        #expect(first.nodeId == 4 && Uuid(first.clusterId) != nil)
        #expect(Set(first.directories.map { $0.id }).count == 2)
        #expect(try open(disk, ["/a", "/b"]) == first)
        let more = try open(disk, ["/c", "/a", "/b"])
        #expect(more.clusterId == first.clusterId && more.nodeId == 4 && more.newDirectories == ["/c"])
        #expect(Array(more.directories[1...]) == first.directories)
    }

    @Test func `the file is the one that Kafka reads`() throws {
        let disk = SimulatedDisk()
        let identity = try open(disk, ["/a"])
        let text = String(decoding: disk.contents("/a/meta.properties") ?? [], as: UTF8.self)
        let values = try PropertiesFile.dictionary(text)
        #expect(
            values == [
                "version": "1", "node.id": "1", "cluster.id": identity.clusterId,
                "directory.id": identity.directories[0].id.description,
            ])
    }

    @Test func `another node's or cluster's directory is refused with the file's name`() throws {
        let disk = SimulatedDisk()
        let identity = try open(disk, ["/a"], nodeId: 1)
        func reason(_ paths: [String], nodeId: Int32? = nil, clusterId: String? = nil) -> String {
            do {
                _ = try open(disk, paths, nodeId: nodeId, clusterId: clusterId)
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(reason(["/a"], nodeId: 2).contains("/a/meta.properties belongs to node 1, but node.id is 2"))
        #expect(reason(["/a"], clusterId: "x").contains("belongs to cluster \(identity.clusterId), not to x"))
        disk.plant("/b/meta.properties", Array("version=1\nnode.id=1\ncluster.id=other\n".utf8))
        #expect(reason(["/a", "/b"]).contains("cluster other"))
        disk.plant("/b/meta.properties", disk.contents("/a/meta.properties") ?? [])
        #expect(reason(["/a", "/b"]).contains("one is a copy"))
        disk.plant("/b/meta.properties", Array("version=7\n".utf8))
        #expect(reason(["/b"]).contains("version 7"))
    }

    @Test func `a directory of a ZooKeeper broker keeps its number`() throws {
        let disk = SimulatedDisk()
        disk.plant("/a/meta.properties", Array("version=0\nbroker.id=3\ncluster.id=zk\n".utf8))
        let identity = try open(disk, ["/a"])
        #expect(identity.nodeId == 3 && identity.clusterId == "zk")
    }

    @Test func `a damaged file, or none beside logs, is refused and nothing is written over it`() throws {
        for text in ["garbage\n", "node.id=1\ncluster.id=x\n", "version=1\nnode.id=1\ncluster.id=\n"] {
            let disk = SimulatedDisk()
            try disk.createDirectory("/a")
            disk.plant("/a/meta.properties", Array(text.utf8))
            #expect(throws: MetadataStoreError.self) { try open(disk, ["/a"]) }
            #expect(disk.contents("/a/meta.properties") == Array(text.utf8))
        }
        let disk = SimulatedDisk()
        try disk.createDirectory("/a/t-0")
        #expect(throws: MetadataStoreError.self) { try open(disk, ["/a"]) }
        #expect(disk.contents("/a/meta.properties") == nil)
    }
}
