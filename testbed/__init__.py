"""A real Kubernetes control plane as processes on loopback, for tests, demo and bench.

Development only: nothing in the package `holdfast` imports it.
"""
