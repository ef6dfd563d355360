# SPDX-License-Identifier: GPL-2.0-only
"""Guests on rings, polite and hostile ones, and domain 0 on its own."""
import random
import struct

from client import *
from protocol import daemon, equal


def test_own_ring():
    """The control domain's kernel wakes at the first event, and is served."""
    with daemon(store_only=False) as d:
        d.own.wait(DEADLINE)
        equal(d.own.get(Ring.FEATURES), 2)
        equal(d.own.read("/local/domain/0/name"), "Domain-0")
        d.own.write("x", "1")
        equal(d.client().read("/local/domain/0/x"), "1")
        equal(d.client().ask(IS_DOMAIN_INTRODUCED, b"0\0"), b"T\0")


def test_guest():
    with daemon(store_only=False) as d:
        c = d.client()
        c.ask(WATCH, strings("@introduceDomain", "i"))
        c.ask(WATCH, strings("@releaseDomain", "r"))
        c.quiet()
        g = d.guest(5)
        equal(c.quiet(), [("@introduceDomain", "i")])
        equal(c.ask(IS_DOMAIN_INTRODUCED, b"5\0"), b"T\0")
        equal(g.get(Ring.CONNECTION), 0)
        c.write("/local/domain/5/device", "")
        c.perms("/local/domain/5/device", "n5")
        g.ask(WATCH, strings("device", "tok"))
        equal(g.event(), ("device", "tok"))
        c.write("/local/domain/5/device/vif", "x")
        equal(g.event(), ("device/vif", "tok"))
        g.write("device/state", "4")
        equal(g.read("device/state"), "4")
        t = g.begin()
        g.write("device/state", "5", t)
        equal(g.end(t), "OK")
        equal(c.read("/local/domain/5/device/state"), "5")
        equal(c.error(RELEASE, b"5\0"), "OK")
        equal(c.quiet(), [("@releaseDomain", "r")])
        equal(c.ask(IS_DOMAIN_INTRODUCED, b"5\0"), b"F\0")
        equal(c.error(INTRODUCE, strings("6", "1", "1")), "EINVAL", "no such guest")
        equal(c.error(INTRODUCE, strings("0", "1", "1")), "EINVAL")


def test_twice():
    """A second introduction moves the port; watches stay."""
    with daemon(store_only=False) as d:
        g, c = d.guest(5), d.client()
        g.ask(WATCH, strings("x", "t"))
        g.out, g.inp = event_files(d.doors, 5, 9)
        equal(c.error(INTRODUCE, strings("5", "1", "9")), "OK")
        equal(g.error(READ, strings("/tool")), "EACCES")
        c.write("/local/domain/5", "")
        c.perms("/local/domain/5", "r0")
        c.write("/local/domain/5/x", "")
        equal(g.event(), ("x", "t"))
        equal(g.event(), ("x", "t"))


def test_long_messages():
    """Messages longer than the ring, in both directions, at each position in it."""
    with daemon(store_only=False) as d:
        g, c = d.guest(5), d.client()
        c.write("/q", "")
        c.perms("/q", "n5")
        c.write("/big", b"b" * 4000)
        c.perms("/big", "r0")
        for i in range(40):
            value = bytes([65 + i % 26]) * (2048 - i)
            g.ask(WRITE, strings("/q/v") + value)
            equal(g.ask(READ, strings("/q/v")), value)
            equal(g.ask(READ, strings("/big")), b"b" * 4000)


def test_slow_reader():
    """A guest that takes no answers is served no more, and goes on when it does take them."""
    with daemon(store_only=False) as d:
        g, c = d.guest(5), d.client()
        c.write("/r", b"r" * 2000)
        c.perms("/r", "r0")
        frame = pack(READ, b"/r\0")
        sent = 0
        while True:
            cons, prod = g.get(Ring.REQ_CONS), g.get(Ring.REQ_PROD)
            if Ring.SIZE - ((prod - cons) & 0xffffffff) < len(frame):
                c.read("/r")  # the daemon has had a turn
                if g.get(Ring.REQ_CONS) == cons:
                    break
                continue
            poke(g, frame)
            sent += 1
            if sent > 10000:
                raise Failure("answers without end for one who takes none")
        for _ in range(sent):
            equal(len(g.answer(READ, 0, 0)), 2000)
        equal(g.error(READ, b"/r\0"), "OK")


def poke(g, frame):
    """Puts a request into the ring whatever its indices say."""
    prod = g.get(Ring.REQ_PROD)
    for i, byte in enumerate(frame):
        g.page[(prod + i) % Ring.SIZE] = byte
    g.put(Ring.REQ_PROD, prod + len(frame))
    g.notify()


HOSTILE = {
    "request index far ahead": lambda g: g.put(Ring.REQ_PROD, g.get(Ring.REQ_PROD) + 1025),
    "request index behind": lambda g: g.put(Ring.REQ_PROD, g.get(Ring.REQ_CONS) - 1),
    "request index at the other end": lambda g: g.put(Ring.REQ_PROD, g.get(Ring.REQ_CONS) + (1 << 31)),
    "message too long": lambda g: g.send(struct.pack("<4I", READ, 0, 0, 4097)),
    "message of 4 GiB": lambda g: g.send(struct.pack("<4I", WRITE, 0, 0, 0xffffffff)),
    "response index ahead": lambda g: (g.put(Ring.RSP_CONS, g.get(Ring.RSP_PROD) + 1), g.send(pack(READ, b"/\0"))),
    "response index behind": lambda g: (g.put(Ring.RSP_CONS, g.get(Ring.RSP_PROD) - 1025),
                                        g.send(pack(READ, b"/\0"))),
}


def test_hostile():
    """Each ends that ring with one line, and nothing else."""
    with daemon(store_only=False) as d:
        c, other = d.client(), d.guest(99)
        for i, (what, act) in enumerate(HOSTILE.items()):
            g = d.guest(10 + i)
            g.ask(WATCH, strings("x", "t"))
            g.event()
            act(g)
            g.notify()
            c.read("/tool")
            while f"domain {10 + i}: store ring" not in d.log():
                c.read("/tool")
            equal(g.get(Ring.ERROR) != 0, True, what)
            for _ in range(3):
                g.put(Ring.REQ_PROD, g.get(Ring.REQ_PROD) + 7)
                g.notify()
                c.write(f"/local/domain/{10 + i}/x", what)
            equal(d.log().count(f"domain {10 + i}: store ring"), 1, what)
            equal(other.error(READ, strings("/tool")), "EACCES", "the others are served")
            equal(c.error(RELEASE, strings(str(10 + i))), "OK")


def test_own_indices():
    """Our indices in the page are copies: a guest that overwrites them harms nobody but itself."""
    with daemon(store_only=False) as d:
        g = d.guest(5)
        for at in (Ring.REQ_CONS, Ring.RSP_PROD):
            equal(g.error(READ, strings("/tool")), "EACCES")
            g.put(at, 12345)
            poke(g, pack(READ, b"/tool\0"))
            while g.get(at) == 12345:
                g.wait(0.1)
            equal(g.frame()[0], ERROR)
        equal(d.client().read("/local/domain/0/name"), "Domain-0")


def test_fuzz():
    """Chance in the whole page, events all the time."""
    chance = random.Random(int(os.environ.get("SEED", "1")))
    with daemon(store_only=False) as d:
        c = d.client()
        for turn in range(150):
            g = d.guest(5)
            for _ in range(chance.randrange(1, 30)):
                kind = chance.randrange(6)
                if kind == 0:
                    for _ in range(chance.randrange(300)):
                        g.page[chance.randrange(4096)] = chance.randrange(256)
                elif kind == 1:
                    g.put(chance.choice((Ring.REQ_PROD, Ring.RSP_CONS, Ring.REQ_CONS, Ring.RSP_PROD)),
                          chance.choice((0, 1, 1024, 1025, 0xffffffff, chance.randrange(1 << 32))))
                else:
                    frame = pack(chance.randrange(24), chance.choice((b"/tool\0", b"x\0y\0", b"", b"@releaseDomain\0t\0")),
                                 chance.randrange(3), turn)
                    poke(g, frame)
                g.notify()
            c.read("/tool")
            c.error(RELEASE, b"5\0")
        equal(c.read("/local/domain/0/name"), "Domain-0")


def test_sleepers():
    """
    A guest that has several requests under way and notifies only when the daemon may be asleep: what
    it adds while the daemon ends its turn is not overlooked.
    """
    with daemon(store_only=False) as d:
        g = d.guest(5)
        sent = answered = 0
        frame, size = pack(GET_DOMAIN_PATH, b"5\0"), 16 + len(b"/local/domain/5\0")
        end = time.monotonic() + DEADLINE
        while answered < 20000:
            if sent - answered < 7 and sent < 20000:
                prod = g.get(Ring.REQ_PROD)
                for i, byte in enumerate(frame):
                    g.page[(prod + i) % Ring.SIZE] = byte
                g.put(Ring.REQ_PROD, prod + len(frame))
                barrier()
                if g.get(Ring.REQ_CONS) == prod:
                    g.notify()
                sent += 1
            cons, prod = g.get(Ring.RSP_CONS), g.get(Ring.RSP_PROD)
            if prod != cons:
                g.put(Ring.RSP_CONS, prod)
                answered += (prod - cons & 0xffffffff) // size
                end = time.monotonic() + DEADLINE
            elif time.monotonic() > end:
                raise Failure(f"{sent} sent, {answered} answered, and then nothing")
