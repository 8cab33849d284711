/// DescribeConfigs, AlterConfigs and IncrementalAlterConfigs.
enum ConfigHandlers {
    static func describe(_ request: DescribeConfigsRequest, _ call: Call) {
        let settings = call.broker.settings
        call.reply(request.answer(config: settings.config, nodeId: call.broker.nodeId, image: call.image))
    }

    static func alter(_ request: AlterConfigsRequest, _ call: Call) {
        call.broker.controller.submit(request) { call.reply($0) }
    }

    static func incrementalAlter(_ request: IncrementalAlterConfigsRequest, _ call: Call) {
        call.broker.controller.submit(request) { call.reply($0) }
    }
}
