import KCore

Command.kbroker.main()
