"""Faults injected into a running study: kills, disks, clocks, concurrency (docs/faults.md)."""
