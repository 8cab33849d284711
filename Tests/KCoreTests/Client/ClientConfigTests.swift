import Testing

@testable import KCore

struct ClientConfigTests {
    private func failure(_ properties: [(name: String, value: String)]) -> String? {
        do throws(ClientError) {
            _ = try ClientConfig(properties)
            return nil
        } catch {
            #expect(error.kind == .configuration)
            return error.message
        }
    }

    @Test func `properties by Kafka's names are taken`() throws {
        let config = try ClientConfig([
            ("bootstrap.servers", "a:1, [::1]:2,PLAINTEXT://b:3,c"), ("acks", "1"), ("linger.ms", " 7 "),
            ("compression.type", "lz4"), ("check.crcs", "false"), ("partitioner.class", "round-robin"),
        ])
        #expect(config.bootstrapServers.map(\.description) == ["a:1", "[::1]:2", "b:3", "c:9092"])
        #expect(config.acks == .leader)
        #expect(config.lingerMs == 7)
        #expect(config.compression == .lz4)
        #expect(!config.checkCrcs)
        #expect(config.partitioner == .roundRobin)
        #expect(config.warnings.isEmpty)
    }

    @Test func `a later value wins, and librdkafka's names mean the same`() throws {
        let config = try ClientConfig([
            ("linger.ms", "1"), ("queue.buffering.max.ms", "2"), ("message.timeout.ms", "90000"),
        ])
        #expect(config.lingerMs == 2)
        #expect(config.deliveryTimeoutMs == 90_000)
    }

    @Test func `a name that nobody has is refused with the nearest one`() {
        #expect(failure([("linger.mss", "5")])?.contains("did you mean linger.ms?") == true)
        #expect(failure([("xyzzy.frobnicate", "5")]) == "there is no client property xyzzy.frobnicate")
    }

    @Test func `a name that Kafka has and that does nothing here is warned about`() throws {
        let config = try ClientConfig([
            ("key.serializer", "x"), ("enable.auto.offset.store", "true"), ("ssl.truststore.location", "y"),
        ])
        #expect(config.warnings.count == 3)
    }

    @Test(arguments: [
        ("acks", "2"), ("linger.ms", "-1"), ("linger.ms", "soon"), ("bootstrap.servers", ""),
        ("bootstrap.servers", "a:0"),
        ("bootstrap.servers", "::1:9092"), ("security.protocol", "SSL"), ("compression.type", "brotli"),
        ("transaction.timeout.ms", "0"), ("enable.idempotence", "yes"), ("isolation.level", "serializable"),
    ])
    func `a value that a property cannot have is refused`(name: String, value: String) {
        #expect(failure([(name, value)])?.contains(name) == true)
    }

    @Test func `a protocol of Kafka's that is not there yet is no misspelt one`() {
        #expect(failure([("security.protocol", "SASL_SSL")])?.contains("not there yet") == true)
        #expect(failure([("security.protocol", "TLS")])?.contains("not there yet") == false)
    }

    @Test func `what belongs to the other protocol of groups is warned about`() throws {
        let classic = try ClientConfig([("group.remote.assignor", "uniform"), ("session.timeout.ms", "10000")])
        #expect(classic.warnings.count == 1 && classic.warnings[0].hasPrefix("group.remote.assignor has no effect: "))
        let new = try ClientConfig([
            ("group.remote.assignor", "uniform"), ("session.timeout.ms", "10000"), ("group.protocol", "consumer"),
        ])
        #expect(new.warnings.count == 1 && new.warnings[0].hasPrefix("session.timeout.ms has no effect: "))
    }

    @Test func `a kind of reset that is not there yet is no misspelt one`() {
        #expect(failure([("auto.offset.reset", "by_duration:PT1H")])?.contains("not there yet") == true)
        #expect(failure([("auto.offset.reset", "by_size:PT1H")])?.contains("not there yet") == false)
    }

    @Test func `values with a name are taken in upper and lower case`() throws {
        let config = try ClientConfig([
            ("group.protocol", "CONSUMER"), ("auto.offset.reset", "Earliest"), ("compression.type", "LZ4"),
            ("security.protocol", "plaintext"), ("isolation.level", "READ_COMMITTED"),
        ])
        #expect(config.isConsumerProtocol)
        #expect(config.autoOffsetReset == .earliest)
        #expect(config.compression == .lz4)
        #expect(config.isolation == .readCommitted)
    }

    @Test func `idempotence gives way to acks unless it was asked for`() throws {
        #expect(try !ClientConfig([("acks", "1")]).isIdempotent)
        #expect(try ClientConfig([]).isIdempotent)
        #expect(failure([("acks", "1"), ("enable.idempotence", "true")]) == "enable.idempotence=true needs acks=all")
        #expect(failure([("max.in.flight", "6"), ("enable.idempotence", "true")])?.contains("at most 5") == true)
    }

    @Test func `timeouts and sizes that contradict each other are refused`() {
        #expect(failure([("delivery.timeout.ms", "100")])?.contains("request.timeout.ms") == true)
        #expect(failure([("buffer.memory", "100"), ("batch.size", "200")])?.contains("buffer.memory") == true)
    }

    @Test func `a properties text is read as Java reads it`() throws {
        let text = """
            # comment
            ! another
            a=1
              b : two words
            c three
            d=x\\
               y
            e\\:f=\\u0041\\tz
            g=

            """
        let read = try ClientConfig.properties(parsing: text, source: "test")
        #expect(read.map(\.name) == ["a", "b", "c", "d", "e:f", "g"])
        #expect(read.map(\.value) == ["1", "two words", "three", "xy", "A\tz", ""])
    }

    @Test func `every property of the table takes its own default`() throws {
        for property in ClientConfig.properties where !property.defaultText.isEmpty {
            _ = try ClientConfig([(property.name, property.defaultText)])
        }
    }
}
