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
    program = """
import sys
sys.path.append("/usr/lib/python3/dist-packages")
import pyxs
with pyxs.Client(unix_socket_path=sys.argv[1]) as c:
    c.write(b"/p/a", b"1")
    assert c.read(b"/p/a") == b"1"
    assert c.read(b"/p/none", b"x") == b"x"
    c.mkdir(b"/p/dir")
    assert sorted(c.list(b"/p")) == [b"a", b"dir"], c.list(b"/p")
    assert c.exists(b"/p/dir") and not c.exists(b"/p/no")
    c.set_perms(b"/p/a", [b"b0", b"r5"])
    assert c.get_perms(b"/p/a") == [b"b0", b"r5"]
    assert c.get_domain_path(7) == b"/local/domain/7"
    assert not c.is_domain_introduced(7)
    c.transaction()
    c[b"/p/t"] = b"in"
    assert c.commit()
    assert c[b"/p/t"] == b"in"
    c.delete(b"/p/dir")
    with c.monitor() as m:
        m.watch(b"/p", b"token")
        events = m.wait()
        assert tuple(next(events)) == (b"/p", b"token")
        c.write(b"/p/a", b"2")
        assert tuple(next(events)) == (b"/p/a", b"token")
        m.unwatch(b"/p", b"token")
print("done")
"""
    with daemon() as d:
        equal(tool(d, "python3", "-W", "ignore", "-c", program, d.socket), "done\n")
