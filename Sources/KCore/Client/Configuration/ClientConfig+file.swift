extension ClientConfig {
    /// Reads a text in the form of Java's properties files.
    /// - Parameter source: what errors call the text, for instance the file's name.
    public static func properties(
        parsing text: String, source: String
    ) throws(ClientError) -> [(name: String, value: String)] {
        do throws(PropertiesError) {
            var result: [(name: String, value: String)] = []
            for property in try PropertiesFile.parse(text) {
                guard !property.key.isEmpty else {
                    throw PropertiesError(line: property.line, "a name is missing in front of the value")
                }
                result.append((property.key, property.value))
            }
            return result
        } catch {
            throw ClientError(.configuration, "\(source), \(error)")
        }
    }

    /// Checks each property by itself, so that an error can say where it was written.
    static func check(_ properties: [(name: String, value: String)], source: String) throws(ClientError) {
        var config = ClientConfig()
        for (name, value) in properties {
            do throws(ClientError) {
                try config.set(name, value)
            } catch {
                throw ClientError(.configuration, "\(source): \(error.message)")
            }
        }
    }
}
