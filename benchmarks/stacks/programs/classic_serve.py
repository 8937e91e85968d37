"""Start gunicorn and nginx, and stop both when one ends or this process is told to."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from string import Template

CONFIGURATION = Path(__file__).parent / "nginx.conf"


def main() -> int:
    scratch = Path(os.environ["BENCHMARK_SCRATCH"])
    socket = scratch / "gunicorn.sock"
    configuration = scratch / "nginx.conf"
    template = Template(CONFIGURATION.read_text(encoding="utf-8"))
    configuration.write_text(
        template.substitute(
            # As root, nginx would give itself up to a user who can't open the socket.
            user="user root;" if os.geteuid() == 0 else "",
            port=os.environ["PORT"],
            socket=socket,
        ),
        encoding="utf-8",
    )
    gunicorn = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--worker-class", "gevent", "--timeout", "60",
         "--workers", os.environ["MODEL_SERVER_WORKERS"], "--bind", f"unix:{socket}",
         "benchmarks.stacks.programs.classic_app:app"]
    )  # fmt: skip
    nginx = subprocess.Popen(["nginx", "-p", scratch, "-e", "error.log", "-c", configuration])
    signal.signal(signal.SIGTERM, lambda *_: gunicorn.terminate())
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    for process in (nginx, gunicorn):
        process.terminate()
    return max(abs(process.wait()) for process in (nginx, gunicorn))


if __name__ == "__main__":
    sys.exit(main())
