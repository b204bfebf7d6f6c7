"""What the module of the role control_plane knows: whose a kubeconfig is."""
