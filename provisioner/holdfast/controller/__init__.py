"""The controllers that reconcile the API server and the exports: claims, volumes, trash.

Data flows one way: a watch event puts a key into a work queue; a worker takes it, decides on the
latest state, changes the export and then the API server, and records an event.
"""
