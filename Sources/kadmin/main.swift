import KCore

Command.kadmin.main()
