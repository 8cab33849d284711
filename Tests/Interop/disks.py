"""Disks that fail or are full when a test says so: see disk_shim.c."""

import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from broker import Broker

SOURCE = Path(__file__).with_name("disk_shim.c")


class Disks:
    """Directories for a broker, and a shim that makes them fail."""

    def __init__(self, count):
        self.root = Path(tempfile.mkdtemp(prefix="kafka-disks-"))
        self.paths = [self.root / f"disk-{number}" for number in range(count)]
        self.control = self.root / "control"
        self.control.mkdir()
        shim = self.root / "disk_shim.so"
        compiler = shutil.which("cc") or "clang"  # which comes with Swift
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", shim, SOURCE, "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(shim), "DISK_SHIM": str(self.control)}

    def broker(self, **overrides):
        return Broker(self.environment, log_dirs=",".join(str(path) for path in self.paths), **overrides)

    def fail(self, mode, path):
        """From now on what lies below `path` fails; see disk_shim.c for the modes."""
        part = self.control / "part"
        part.write_text(str(path))
        part.rename(self.control / mode)

    def heal(self, mode):
        (self.control / mode).unlink()

    def syncs(self):
        """How often files were synced until now."""
        return struct.unpack("=q", (self.control / "syncs").read_bytes())[0]

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)
