# SPDX-License-Identifier: GPL-2.0-only
"""Independent clients: Debian's xenstore-utils and the pure Python pyxs."""
import subprocess

from client import *
from protocol import daemon, equal


def tool(d, *command, status=0):
    env = dict(os.environ, XENSTORED_PATH=d.socket, XENSTORED_RUNDIR=d.dir)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=DEADLINE, check=False)
    equal(done.returncode, status, f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def test_xenstore_utils():
    with daemon() as d:
        tool(d, "xenstore-write", "/u/a", "1", "/u/b", "two words", "/u/c/d", "")
        equal(tool(d, "xenstore-read", "/u/a", "/u/b"), "1\ntwo words\n")
        equal(tool(d, "xenstore-read", "-p", "/u/a"), "/u/a: 1\n")
        tool(d, "xenstore-read", "/none", status=1)
        equal(tool(d, "xenstore-list", "/u"), "a\nb\nc\n")
        equal(tool(d, "xenstore-ls", "/u"), 'a = "1"\nb = "two words"\nc = ""\n d = ""\n')
        equal(tool(d, "xenstore-ls", "-fp", "/u/c"), '/u/c/d = ""   (n0)\n')
        tool(d, "xenstore-chmod", "-r", "/u/c", "n0", "r5")
        equal(tool(d, "xenstore-ls", "-fp", "/u"), '/u/a = "1"   (n0)\n/u/b = "two words"   (n0)\n'
              '/u/c = ""   (n0,r5)\n/u/c/d = ""   (n0,r5)\n')
        tool(d, "xenstore-exists", "/u/c/d")
        tool(d, "xenstore-rm", "/u/c/d")
        tool(d, "xenstore-exists", "/u/c/d", status=1)
        tool(d, "xenstore-write", "/t/x/y", "")
        tool(d, "xenstore-rm", "-t", "/t/x/y")
        tool(d, "xenstore-exists", "/t", status=1)


def test_xenstore_list_long():
    """More names than one message holds: the tool fetches them in parts."""
    with daemon() as d:
        c = d.client()
        names = sorted(f"{'long' * 20}{i}" for i in range(400))
        for name in names:
            c.write(f"/l/{name}", "")
        equal(tool(d, "xenstore-list", "/l").split(), names)


def test_xenstore_watch():
    with daemon() as d:
        env = dict(os.environ, XENSTORED_PATH=d.socket, XENSTORED_RUNDIR=d.dir)
        with subprocess.Popen(["xenstore-watch", "-n", "3", "/w"], env=env, stdout=subprocess.PIPE, text=True) as p:
            equal(p.stdout.readline(), "/w\n")
            c = d.client()
            c.write("/w/1", "")
            c.ask(RM, strings("/w/1"))
            equal(p.communicate(timeout=DEADLINE)[0], "/w/1\n/w/1\n")
            equal(p.returncode, 0)


def test_pyxs():
    with daemon() as d:
        equal(tool(d, "python3", "-W", "ignore", "tests/system/store_client.py", d.socket), "done\n")
