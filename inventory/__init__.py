"""The inventory service: keeps the devices, and answers only to the gateway."""
