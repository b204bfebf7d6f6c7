"""A lab of real machines: User-mode Linux guests on a network of their own.

Each is an ordinary Linux kernel that runs as a process, with its own memory, disks, network and
users, so that the roles meet kernel NFS, systemd and a kubelet as a user's machines have them,
also where no hardware virtualisation is. `python -m testbed.lab up` makes it.
"""
