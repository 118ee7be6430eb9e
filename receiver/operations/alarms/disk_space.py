"""Free space on the disks where the journal and the spool are."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from receiver.operations.alarms.condition import Problem

MEGABYTE = 1_000_000


class DiskSpace:
    """An alarm while one of these folders has less free space."""

    name = "disk_space"
    patience = 0.0
    every = 0.0

    def __init__(self, machine: str, folders: Sequence[Path], limit_mb: int) -> None:
        self.scope = machine
        self._folders = folders
        self._limit_mb = limit_mb

    async def read(self, now: datetime) -> Mapping[str, int]:
        """Free bytes by folder."""
        return await asyncio.to_thread(free_bytes, self._folders)

    def judge(self, facts: Mapping[str, int], now: datetime) -> list[Problem]:
        """One problem, which names the folders."""
        full = {folder: free for folder, free in facts.items() if free < self._limit_mb * MEGABYTE}
        if not full:
            return []
        return [Problem(" and ".join(f"{free // MEGABYTE} MB are free in {folder}" for folder, free in full.items()))]


def free_bytes(folders: Sequence[Path]) -> dict[str, int]:
    """Free bytes by folder, for this user."""
    return {str(folder): shutil.disk_usage(folder).free for folder in folders}
