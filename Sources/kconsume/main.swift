import KCore

Command.kconsume.main()
