print("kproduce")
