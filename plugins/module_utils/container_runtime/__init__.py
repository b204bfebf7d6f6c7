"""What the module of the role container_runtime knows: what a machine has of containerd already."""
