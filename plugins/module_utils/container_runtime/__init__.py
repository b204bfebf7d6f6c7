"""What the modules of the role container_runtime know: how containerd is told of mirrors."""
