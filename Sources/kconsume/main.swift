print("kconsume")
