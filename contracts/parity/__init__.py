"""The same asked through the gateway and of the inventory itself: are the answers the same?"""
