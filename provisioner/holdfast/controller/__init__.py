"""The loops that join the API server and the export: claims, volumes, trash.

One direction: an event puts a key into a queue, a worker takes it, decides on the latest state,
changes the export, then the API server, and says so in an event.
"""
