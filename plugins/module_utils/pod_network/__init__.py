"""What the role pod_network left on a machine, told from what others have there."""
