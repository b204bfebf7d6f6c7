"""What the module of the role nfs_client knows: whether this machine can mount NFS."""
