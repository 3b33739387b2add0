class Bool:
    data = False
