"""What the modules of the role kubernetes_node know: what a machine is in a cluster already."""
