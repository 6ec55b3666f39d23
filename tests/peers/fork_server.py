"""Runs peer scripts as forks of one process that has imported PyTorch, transformers and peft, which takes a script 8 s by itself.

usage: fork_server.py SOCKET serve | stop | SCRIPT      serve: returns when it listens; SCRIPT runs by itself where nobody does"""

import contextlib
import json
import os
import pathlib
import runpy
import select
import signal
import socket
import sys
import traceback

IDLE_S = 1800  # a server that was forgotten ends then


def exit_code(script):
    """Of the script, run as Python runs it."""
    sys.argv, sys.path[0] = [script], str(pathlib.Path(script).parent)
    try:
        runpy.run_path(script, run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def answer(connection):
    """Runs the script that the other side names, with its standard streams and environment; ends it when the other side goes away."""
    message, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    if not message:
        return os.kill(os.getppid(), signal.SIGTERM)
    job = json.loads(message)
    script = os.fork()
    if script == 0:
        os.setsid()
        for target, stream in enumerate(streams):
            os.dup2(stream, target)
            os.close(stream)
        os.chdir(job["folder"])
        os.environ.clear()
        os.environ.update(job["environment"])
        os._exit(exit_code(job["script"]))
    ended = os.pidfd_open(script)
    if ended not in select.select([connection, ended], [], [])[0]:
        os.killpg(script, signal.SIGKILL)
    connection.send(bytes([os.waitstatus_to_exitcode(os.waitpid(script, 0)[1]) & 0xFF]))


def stop(name):
    """A side that goes away without a question ends the server."""
    with contextlib.suppress(OSError):
        socket.socket(socket.AF_UNIX).connect(name)


def serve(name):
    import peft  # noqa: F401
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerFast  # noqa: F401

    stop(name)  # one that was left over
    pathlib.Path(name).unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(name)
    server.listen()
    server.settimeout(IDLE_S)
    if os.fork():
        return
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = server.accept()
        if os.fork() == 0:
            server.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            answer(connection)
            os._exit(0)
        connection.close()


def ask(name, script, folder):
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(name)
    except OSError:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, script])
    job = {"script": script, "folder": folder, "environment": dict(os.environ)}
    socket.send_fds(connection, [json.dumps(job).encode()], [0, 1, 2])
    code = connection.recv(1)
    sys.exit(code[0] if code else 1)


def main():
    path, task = sys.argv[1:]
    folder = os.getcwd()
    os.chdir(os.path.dirname(path))  # the name of a socket may have a hundred letters
    name = os.path.basename(path)
    if task == "serve":
        serve(name)
    elif task == "stop":
        stop(name)
    else:
        ask(name, task, folder)


main()
