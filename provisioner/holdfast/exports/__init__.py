"""Directories and their records on an NFS export: create, archive, delete, retain.

All operations stay beneath one root, and nothing here knows Kubernetes: the same code runs where
the export is mounted and on the NFS server itself.
"""
