"""What keeps a cluster well between two runs: snapshots of etcd, and certificates.

Its files are also installed on the control plane, for timers; so they need nothing but Python.
"""
