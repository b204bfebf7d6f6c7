"""What the modules of the role provisioner know: the provisioner's image, built and loaded."""
