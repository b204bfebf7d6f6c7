"""What the modules of the role container_runtime know: containerd on a machine, and its mirrors."""
