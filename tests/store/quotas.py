# SPDX-License-Identifier: GPL-2.0-only
"""What a guest may take, and that it gets it back."""
from client import *
from protocol import daemon, equal


def owned(d, domid=5):
    """Domain 0 and a guest that owns /q."""
    c, g = d.client(), d.client(domid)
    c.write("/q", "")
    c.perms("/q", f"n{domid}")
    return c, g


def fill(g, make):
    """How many it takes until there is no more."""
    for i in range(100000):
        got = make(i)
        if got != "OK":
            equal(got, "ENOSPC")
            return i
    raise Failure("no end")


def test_nodes():
    with daemon() as d:
        c, g = owned(d)
        equal(fill(g, lambda i: g.error(WRITE, strings(f"/q/{i}"))), 999)
        equal(g.error(WRITE, strings("/q/0") + b"there"), "OK")
        equal(d.client(6).error(READ, strings("/tool")), "EACCES", "others go on")
        c.write("/q/by-domain-0", "")
        g.ask(RM, strings("/q/1"))
        equal(g.error(MKDIR, strings("/q/1/2")), "ENOSPC", "room for one, not for two")
        equal(g.error(MKDIR, strings("/q/1")), "ENOSPC", "domain 0 gave it one more than it may have")
        c.ask(RM, strings("/q"))
        c.write("/q", "")
        c.perms("/q", "n5")
        equal(fill(g, lambda i: g.error(WRITE, strings(f"/q/{i}"))), 999)


def test_nodes_in_transactions():
    with daemon() as d:
        c, g = owned(d)
        t = g.begin()
        fill(g, lambda i: g.error(WRITE, strings(f"/q/{i}"), t))
        equal(g.end(t), "OK")
        left = 999 - len(c.ls("/q"))
        if left < 0:
            raise Failure(f"{-left} too many")
        first, second = g.begin(), g.begin()
        for t in (first, second):
            for i in range(left):
                g.ask(WRITE, strings(f"/q/{t}-{i}"), t)
        equal(g.end(first), "OK")
        if left:
            equal(g.end(second), "ENOSPC", "both together are too many")
        t = g.begin()
        g.ask(RM, strings("/q/0"), t)
        g.ask(WRITE, strings("/q/in-its-place"), t)
        equal(g.end(t), "OK")


def test_value_and_bytes():
    with daemon() as d:
        _, g = owned(d)
        equal(g.error(WRITE, strings("/q/v") + b"x" * 2048), "OK")
        equal(g.error(WRITE, strings("/q/v") + b"x" * 2049), "ENOSPC")
        many = fill(g, lambda i: g.error(WRITE, strings(f"/q/{'n' * 200}{i}") + b"x" * 2048))
        if not 800 <= many < 999:
            raise Failure(f"{many} nodes of 2048 bytes in 2 MiB")


def test_watches():
    with daemon() as d:
        _, g = owned(d)
        equal(fill(g, lambda i: g.error(WATCH, strings("/q", f"t{i}"))), 128)
        g.ask(UNWATCH, strings("/q", "t7"))
        equal(g.error(WATCH, strings("/q", "again")), "OK")
        equal(g.error(WATCH, strings("/q", "x" * 1023)), "EINVAL", "a token that leaves no room for a path")


def test_transactions():
    with daemon() as d:
        _, g = owned(d)
        equal(fill(g, lambda i: g.error(TRANSACTION_START, b"\0")), 10)
        equal(g.error(RESET_WATCHES, b"\0"), "OK")
        equal(fill(g, lambda i: g.error(TRANSACTION_START, b"\0")), 10)


def test_touched():
    with daemon() as d:
        _, g = owned(d)
        t = g.begin()
        many = fill(g, lambda i: "OK" if (e := g.error(READ, strings(f"/q/{i}"), t)) == "ENOENT" else e)
        if many > 1024:
            raise Failure(f"{many} nodes in one transaction")
        equal(g.end(t), "OK")
        t = g.begin()
        many = fill(g, lambda i: g.error(WRITE, strings("/q") + b"x" * 2048, t))
        if many > 128:
            raise Failure(f"{many * 2} KiB of changes in one transaction")


def test_perms():
    with daemon() as d:
        c, g = owned(d)
        equal(g.error(SET_PERMS, strings("/q", "n5", "r1", "r2", "r3", "r4")), "OK")
        equal(g.error(SET_PERMS, strings("/q", "n5", "r1", "r2", "r3", "r4", "r6")), "ENOSPC")
        equal(c.error(SET_PERMS, strings("/q", "n5", *[f"r{i}" for i in range(100)])), "OK")
        equal(len(c.perms("/q")), 101)
