"""A hangup stops a run as cleanly as SIGTERM does, however often it comes; under nohup it stops nothing."""

import json
import pathlib
import signal
import subprocess
import tempfile

from peer import PROGRAM, ROOT, skip

if not (ROOT / "models" / "lab" / "model.safetensors").exists():
    skip("models/lab is not built")


def stopped(folder, name, signals, nohup=False):
    """The exit code of a run that got these signals when its model was loaded, and what its summary says."""
    command = [PROGRAM, "align", "configs/lab.yaml", f"runs_dir={folder}", f"name={name}"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN if nohup else signal.SIG_DFL))
    for line in process.stderr:
        if "model:" in line:
            break
    for one in signals:
        process.send_signal(one)
    process.stderr.read()
    return process.wait(), json.loads((folder / name / "summary.json").read_text())["status"]


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    for name, signals, code, nohup in (("hangup", [signal.SIGHUP], 129, False), ("terminal", [signal.SIGHUP, signal.SIGHUP], 129, False),
                                       ("service", [signal.SIGTERM, signal.SIGHUP], 143, False), ("nohup", [signal.SIGHUP, signal.SIGTERM], 143, True)):
        found = stopped(folder, name, signals, nohup)
        assert found == (code, "stopped"), (name, found)
        print(f"ok   {name}: exit code {code}, status stopped", flush=True)
