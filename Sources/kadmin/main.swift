print("kadmin")
