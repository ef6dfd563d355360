# SPDX-License-Identifier: GPL-2.0-only
"""Transactions: snapshots, and which of two that meet has to be repeated."""
from client import *
from protocol import daemon, equal


def test_snapshot():
    with daemon() as d:
        c, other = d.client(), d.client()
        c.write("/s/a", "old")
        t = c.begin()
        other.write("/s/a", "new")
        other.write("/s/b", "more")
        equal(c.read("/s/a", t), "old")
        equal(c.ls("/s", t), ["a"])
        equal(c.read("/s/a"), "new", "outside")
        equal(c.end(t), "EAGAIN")
        equal(c.end(t), "ENOENT", "it has ended")


def test_invisible():
    with daemon() as d:
        c, other = d.client(), d.client()
        other.ask(WATCH, strings("/t", "w"))
        other.quiet()
        t = c.begin()
        c.write("/t/x", "1", t)
        c.ask(MKDIR, strings("/t/y"), t)
        c.perms("/t/x", "r0", "b3", tx=t)
        equal(c.read("/t/x", t), "1")
        equal(other.error(READ, strings("/t/x")), "ENOENT")
        equal(other.quiet(), [])
        equal(c.end(t), "OK")
        equal(other.quiet(), [("/t/x", "w"), ("/t/y", "w"), ("/t/x", "w")])
        equal(other.read("/t/x"), "1")
        equal(other.perms("/t/x"), ["r0", "b3"])
        t = c.begin()
        c.write("/t/x", "2", t)
        c.ask(RM, strings("/t/y"), t)
        equal(c.end(t, commit=False), "OK")
        equal(other.quiet(), [])
        equal(other.read("/t/x"), "1")
        equal(other.ls("/t"), ["x", "y"])


def test_errors():
    with daemon() as d:
        c, other = d.client(), d.client()
        t = c.begin()
        equal(c.error(TRANSACTION_START, b"\0", t), "EBUSY")
        equal(c.error(TRANSACTION_END, b"X\0", t), "EINVAL")
        equal(c.error(TRANSACTION_END, b"TT\0", t), "EINVAL")
        equal(other.error(TRANSACTION_END, b"T\0", t), "ENOENT", "somebody else's")
        equal(other.error(READ, strings("/tool"), t), "ENOENT")
        equal(c.error(TRANSACTION_END, b"T\0", 0), "ENOENT")
        equal(c.end(t), "OK")
        t = c.begin()
        c.close()
        equal(other.end(other.begin()), "OK")


# What one does in a transaction, what another does meanwhile, and whether that has to fail.
READS = {
    "read": lambda c, t: c.error(READ, strings("/m/a"), t),
    "list": lambda c, t: c.error(DIRECTORY, strings("/m/a"), t),
    "read none": lambda c, t: c.error(READ, strings("/m/new"), t),
    "write": lambda c, t: c.error(WRITE, strings("/m/a") + b"tx", t),
    "make": lambda c, t: c.error(WRITE, strings("/m/new") + b"tx", t),
    "make below": lambda c, t: c.error(WRITE, strings("/m/new/x/y") + b"tx", t),
    "remove": lambda c, t: c.error(RM, strings("/m/a"), t),
    "permit": lambda c, t: c.error(SET_PERMS, strings("/m/a", "r0"), t),
}
MEANWHILE = {
    "nothing": lambda c: None,
    "reads": lambda c: c.read("/m/a"),
    "writes a": lambda c: c.write("/m/a", "x"),
    "permits a": lambda c: c.perms("/m/a", "n0", "r7"),
    "removes a": lambda c: c.ask(RM, strings("/m/a")),
    "makes a/z": lambda c: c.write("/m/a/z", "x"),
    "makes new": lambda c: c.write("/m/new", "x"),
    "removes m": lambda c: c.ask(RM, strings("/m")),
    "writes other": lambda c: c.write("/m/other", "x"),
    "writes far": lambda c: c.write("/far", "x"),
    "replaces a": lambda c: (c.ask(RM, strings("/m/a")), c.write("/m/a", "0")),
}
CONFLICTS = {
    "read": {"writes a", "permits a", "removes a", "removes m", "replaces a"},
    "list": {"writes a", "permits a", "removes a", "removes m", "makes a/z", "replaces a"},
    "read none": {"makes new", "removes m"},
    "write": {"writes a", "permits a", "removes a", "removes m", "replaces a"},
    "make": {"makes new", "removes m"},
    "make below": {"makes new", "removes m"},
    "remove": {"writes a", "permits a", "removes a", "removes m", "replaces a"},
    "permit": {"writes a", "permits a", "removes a", "removes m", "replaces a"},
}


def test_conflicts():
    with daemon() as d:
        c, other = d.client(), d.client()
        for own, act in READS.items():
            for theirs, meet in MEANWHILE.items():
                c.ask(RM, strings("/m"))
                c.write("/m/a", "0")
                t = c.begin()
                act(c, t)
                meet(other)
                want = "EAGAIN" if theirs in CONFLICTS[own] else "OK"
                before = d.client().tree("/")
                equal(c.end(t), want, f"{own} while the other {theirs}")
                if want == "EAGAIN":
                    equal(d.client().tree("/"), before, "it left no trace")


def test_serial():
    """Counters that many raise at once in transactions lose nothing."""
    with daemon() as d:
        clients = [d.client() for _ in range(8)]
        clients[0].write("/count", "0")
        done, open_tx, again = 0, {}, 0
        while done < 200:
            for c in clients:
                if c not in open_tx:
                    t = c.begin()
                    open_tx[c] = t, int(c.read("/count", t))
                else:
                    t, value = open_tx.pop(c)
                    c.write("/count", str(value + 1), t)
                    if c.end(t) == "OK":
                        done += 1
                    else:
                        again += 1
        equal(int(clients[0].read("/count")), done)
        equal(again > 0, True, "some had to be repeated")


def test_neighbours():
    """Two that make guests of different numbers do not meet."""
    with daemon() as d:
        a, b = d.client(), d.client()
        ta, tb = a.begin(), b.begin()
        for c, t, n in ((a, ta, 1), (b, tb, 2)):
            c.write(f"/local/domain/{n}/name", f"g{n}", t)
            c.perms(f"/local/domain/{n}", "n0", f"r{n}", tx=t)
            c.write(f"/vm/u{n}/name", "", t)
        equal((a.end(ta), b.end(tb)), ("OK", "OK"))
        equal(a.ls("/local/domain"), ["0", "1", "2"])


def test_long():
    """A transaction as long as a busy tool makes it."""
    with daemon() as d:
        c = d.client()
        t = c.begin()
        for i in range(3000):
            c.write(f"/long/{i % 60}/{i}", f"{i}", t)
        equal(c.end(t), "OK")
        equal(len(c.tree("/long")), 3061)
