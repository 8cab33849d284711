import KCore

Command.kproduce.main()
