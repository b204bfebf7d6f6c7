"""Holdfast: durable Kubernetes volumes on a plain NFS server."""

from __future__ import annotations

__version__ = "0.1.0"
