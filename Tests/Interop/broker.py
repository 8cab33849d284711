"""A kbroker of our own for a test: started, watched, stopped, killed, started again."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("KAFKA_BIN", ROOT / "bin")).resolve()


class Broker:
    """Listens on a free port of the loopback. `data` outlives restarts; `close` removes it.

    `data`, when given, is a data directory that is there already."""

    def __init__(self, environment=None, data=None, **overrides):
        self.data = Path(tempfile.mkdtemp(prefix="kafka-interop-"))
        self.environment = environment or {}
        self.directory = data or self.data / "data"
        self.overrides = {name.replace("_", "."): value for name, value in overrides.items()}
        for time in ("session.timeout.ms", "heartbeat.interval.ms"):
            # Shorter than Kafka lets them be, unless it is told otherwise.
            if value := self.overrides.get(f"group.consumer.{time}"):
                self.overrides.setdefault(f"group.consumer.min.{time}", value)
        self.port = 0
        self.process = None
        self.start()

    def start(self):
        """Starts the broker and waits for its ready line. The port stays what it was before."""
        command = [BIN / "kbroker", "--data", self.directory, "--listen", f"127.0.0.1:{self.port}"]
        for name, value in self.overrides.items():
            command += ["--override", f"{name}={value}"]
        with open(self.data / "broker.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True,
                                            env={**os.environ, **self.environment})
        self.ready = self.process.stdout.readline()
        found = re.search(r"listening on ([\d.]+):(\d+)", self.ready)
        assert found, f"no ready line but {self.ready!r}; log:\n{self.log()}"
        self.port = int(found[2])
        self.address = f"{found[1]}:{found[2]}"

    def log(self):
        return (self.data / "broker.log").read_text(errors="replace")

    def is_running(self):
        return self.process.poll() is None

    def stop(self, with_signal=signal.SIGTERM, timeout=40):
        """Asks the broker to end. Returns its exit status."""
        self.process.send_signal(with_signal)
        return self.process.wait(timeout)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.is_running():
            self.kill()
        shutil.rmtree(self.data, ignore_errors=True)

    def rss_mb(self):
        """Resident memory now and at its peak, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return tuple(int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024 for name in ("VmRSS", "VmHWM"))

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until(condition, seconds=20, what="the condition"):
    """Polls until `condition` is true; a test fails when it never is."""
    deadline = time.monotonic() + seconds
    while True:
        # Where the whole machine stood still, it is looked at once more.
        is_last = time.monotonic() >= deadline
        if result := condition():
            return result
        assert not is_last, f"{what} did not come true in {seconds} s"
        time.sleep(0.02)
