"""The gateway service: the one guarded door in front of the services of the contract."""
