"""Whether a file is on a network file system, where locks and shared memory work differently."""

from __future__ import annotations

from pathlib import Path

# Beginnings of the names that Linux gives to file systems of other machines.
_KINDS = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "fuse.sshfs", "glusterfs", "lustre", "beegfs")
_MOUNTS = Path("/proc/self/mounts")  # of Linux


def network_kind(path: Path) -> str | None:
    """The kind of network file system that a file is on; None if its disk is of this machine.

    Only Linux says so; elsewhere it is None.

    Example:
        >>> network_kind(Path("/proc/my.db")) is None
        True
    """
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None

    folder, kind = "", ""  # of the innermost mount that the file is in
    for line in lines:
        _, place, name, *_ = [*line.split(" "), "", "", ""]
        place = place.replace(r"\040", " ")
        if path.absolute().is_relative_to(place or "/") and len(place) >= len(folder):
            folder, kind = place, name
    return kind if kind.startswith(_KINDS) else None
