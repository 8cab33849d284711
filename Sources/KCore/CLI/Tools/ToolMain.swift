internal import CKernel
internal import Glibc

/// Version of the tools.
public enum ToolVersion {
    public static let text = "0.1.0"
}

extension Command {
    /// Runs the tool for the process: arguments, environment and signals are the process's own.
    public func main() -> Never {
        let interruption = Interruption()
        Interruption.catchSignals(interruption)
        let console = Console(tool: name, environment: Command.processEnvironment(), interruption: interruption)
        exit(run(Array(CommandLine.arguments.dropFirst()), console).rawValue)
    }

    /// Runs the command line `words` (without the tool's name).
    /// - Returns: what a process ends with.
    public func run(_ words: [String], _ console: Console) -> ExitStatus {
        do throws(ToolError) {
            switch try ArgumentParser.parse(self, words, environment: console.environment) {
            case .help(let command, let path): console.print(HelpText.of(command, path: path))
            case .version: console.print("\(name) \(ToolVersion.text)\n")
            case .run(let command, let arguments):
                guard let action = command.action else { throw .usage("nothing to do") }
                return try action(arguments, console)
            }
            return .done
        } catch {
            console.failure(error.message)
            if error.status == .usage { console.note("Try '\(path(words).joined(separator: " ")) --help'.") }
            return error.status
        }
    }

    // The names of the commands that `words` call, as far as there are such.
    private func path(_ words: [String]) -> [String] {
        var (command, path) = (self, [name])
        var mayBeValue = false
        for word in words {
            if word.hasPrefix("-") {
                mayBeValue = !word.contains("=")
            } else if let next = command.descendant([word]) {
                command = next
                path.append(word)
                mayBeValue = false
            } else if mayBeValue {
                mayBeValue = false
            } else {
                break
            }
        }
        return path
    }

    static func processEnvironment() -> [String: String] {
        var result: [String: String] = [:]
        guard var entry = ck_environment() else { return result }
        while let text = entry.pointee {
            let line = String(cString: text)
            if let pair = Arguments.pair(line) { result[pair.name] = pair.value }
            entry += 1
        }
        return result
    }
}
