"""Reads a block of the third disk each second, past every cache.

User-mode Linux learns by an event that disks have done what was asked of them, of all that they
have done at once. Taking events, it writes them to a list that an interrupt within the interrupt
writes over (epoll_events in arch/um/os-Linux/irq.c), and as each is told once only (EPOLLET) one
can be lost. Everybody who reads or writes then waits until something else was asked and done, and
that may be never. So something always is.
"""

import ctypes
import mmap
import os
import time

_ALL = 3  # MCL_CURRENT | MCL_FUTURE, mlockall(2): nothing here may wait for the first disk

disk = os.open("/dev/ubdc", os.O_RDONLY | os.O_DIRECT)
block = mmap.mmap(-1, mmap.PAGESIZE)
ctypes.CDLL(None).mlockall(_ALL)
while True:
    os.preadv(disk, [block], 0)
    time.sleep(1)
