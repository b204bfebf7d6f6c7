"""A lab of real machines, in which the roles meet kernel NFS, systemd and a kubelet.

They are those of the Vagrantfile where a hypervisor is (`vagrant.py`). Where none is, they are
User-mode Linux guests on a network of their own (`lab.py`): each an ordinary Linux kernel that
runs as a process, with its own memory, disks, network and users. `interface.py` says what both
offer, and `python -m testbed.lab up` makes one.
"""
