"""The API server as the rest of the program sees it: transport, caches, queue, lease, events.

The official client's informer and leader election spin while the server is down, wait for ever
when it is frozen and trust the wall clock, so of that package only transport and configuration
are used (`api`, `config`). This layer knows nothing of NFS.
"""

from __future__ import annotations
