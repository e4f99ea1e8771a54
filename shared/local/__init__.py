"""The embedded platform: Google as one process on this machine. Never deployed."""
