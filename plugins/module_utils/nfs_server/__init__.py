"""What the modules of the role nfs_server know: exports, file systems, the server's settings."""
