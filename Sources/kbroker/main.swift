print("kbroker")
