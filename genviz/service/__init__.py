"""Runs that outlive their viewers: folders, workers, the live stream. Importing this costs no torch and no streamlit."""

from genviz.service import folder
from genviz.service.folder import RunInfo, runs
from genviz.service.scene import scene_file, still

__all__ = ["RunInfo", "remove", "runs", "scene_file", "still"]


def remove(run_id: str) -> None:
    """Delete a run; a worker of this server that still holds it lets go first."""
    from genviz.service import pool

    if pool.running():
        pool.pool().command(run_id, "stop")
    folder.remove(run_id)
