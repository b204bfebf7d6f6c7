"""Directories on an export: create, archive, trash, and what is known of each.

Everything happens beneath one root and nothing here knows Kubernetes, so the same code can
run where the export is mounted, or on the NFS server itself.
"""
