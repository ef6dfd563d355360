# SPDX-License-Identifier: GPL-2.0-only
"""kill -9 and start again: what was answered holds, and guests notice nothing."""
import os
import random
import subprocess
import threading

from client import *
from protocol import daemon, equal


def test_state():
    with daemon(store_only=False) as d:
        c, g = d.client(), d.guest(5)
        c.write("/s/value", b"\0binary\xff")
        c.write("/s/gone", "")
        c.ask(RM, strings("/s/gone"))
        c.perms("/s/value", "b0", "r5", "w6")
        c.perms("@releaseDomain", "n0", "r5")
        g.ask(WATCH, strings("/s", "w1"))
        g.ask(WATCH, strings("rel", "w2"))
        g.ask(WATCH, strings("rel", "w3"))
        g.ask(UNWATCH, strings("rel", "w3"))
        g.quiet()
        t = g.begin()
        ended = g.begin()
        equal(g.end(ended), "OK")
        g.ask(READ, strings("/s/value"), t)
        before = c.tree("/")
        for _ in range(3):
            d.restart()
            c = d.client()
            equal(c.tree("/"), before)
            equal(c.perms("@releaseDomain"), ["n0", "r5"])
            equal(c.ask(IS_DOMAIN_INTRODUCED, b"5\0"), b"T\0")
            equal(sorted(g.quiet()), [("/s", "w1"), ("rel", "w2")], "watches fire once more")
        c.write("/s/value", "more")
        equal(g.event(), ("/s/value", "w1"))
        equal(g.error(READ, strings("/s/value"), t), "OK", "the transaction is still open")
        equal(g.end(t), "EAGAIN")
        equal(g.end(ended), "ENOENT")
        equal(c.error(RELEASE, b"5\0"), "OK")
        d.restart()
        equal(d.client().ask(IS_DOMAIN_INTRODUCED, b"5\0"), b"F\0")


def test_own_ring():
    with daemon(store_only=False) as d:
        d.own.ask(WATCH, strings("backend", "k"))
        d.own.event()
        d.restart()
        equal(d.own.event(), ("backend", "k"))
        equal(d.own.read("/local/domain/0/name"), "Domain-0")


def test_while_down():
    """What a guest asks while nobody is there is answered by the next one, and it is notified."""
    with daemon(store_only=False) as d:
        g = d.guest(5)
        d.kill()
        g.send(pack(GET_DOMAIN_PATH, b"7\0", req=1))
        d.start()
        g.wait(DEADLINE)
        equal(g.answer(GET_DOMAIN_PATH, 0, 1), b"/local/domain/7\0")
        # half a request before, half after
        frame = pack(GET_DOMAIN_PATH, b"8\0", req=2)
        g.send(frame[:9])
        d.client().read("/tool")
        d.restart()
        g.send(frame[9:])
        equal(g.answer(GET_DOMAIN_PATH, 0, 2), b"/local/domain/8\0")


def test_unread_answers():
    """Answers and events that wait for room in the ring wait there after a restart too."""
    with daemon(store_only=False) as d:
        g, c = d.guest(5), d.client()
        c.write("/big", b"z" * 3000)
        c.perms("/big", "r0")
        g.ask(WATCH, strings("/big", "t"))
        g.quiet()
        for i in range(3):
            g.send(pack(READ, b"/big\0", req=50 + i))
        for i in range(20):
            c.write(f"/big/{i}", "")
        d.restart()
        for i in range(3):
            equal(g.answer(READ, 0, 50 + i), b"z" * 3000)
        for i in range(20):
            equal(g.event(), (f"/big/{i}", "t"))
        equal(g.event(), ("/big", "t"), "and once more, since it has been restarted")


def test_rewrites():
    """Many changes: the journal is written anew now and then, and stays small."""
    with daemon(store_only=False) as d:
        c, g = d.client(), d.guest(5)
        for i in range(3000):
            c.sock.sendall(pack(WRITE, strings(f"/r/{i % 50}") + b"%d" % i * 200, req=i))
            c.answer(WRITE, 0, i)
            if i % 10 == 0:
                g.ask(GET_DOMAIN_PATH, b"1\0")
        before = c.tree("/")
        size = os.stat(d.dir + "/froed.journal").st_size
        if size > 2 << 20:
            raise Failure(f"the journal has {size} bytes")
        d.restart()
        equal(d.client().tree("/"), before)
        equal(g.ask(GET_DOMAIN_PATH, b"1\0"), b"/local/domain/1\0")


def test_damage():
    """A journal that is none, or is cut, is told of and does not keep the daemon from starting."""
    with daemon(store_only=False) as d:
        for junk in (b"", b"x" * 100, b"froedjnl" + b"\xff" * 100):
            d.kill()
            with open(d.dir + "/froed.journal", "wb") as f:
                f.write(junk)
            d.start()
            equal(d.client().read("/local/domain/0/name"), "Domain-0")
        d.client().write("/later", "1")
        d.kill()
        with open(d.dir + "/froed.journal", "r+b") as f:
            f.seek(24)  # the first record
            f.write(b"\xee" * 8)
        d.start()
        equal("damaged" in d.log() or "makes no sense" in d.log(), True)
        d.client().read("/tool")


def records(journal):
    """Where the content of each record is, and how long."""
    at, found = 24, []
    while at < struct.unpack_from("<Q", journal, 16)[0]:
        size = struct.unpack_from("<I", journal, at)[0]
        found.append((at, size))
        at += size
    return found


def test_damage_at_random():
    """Records that are whole and say what cannot be: they are left out, and nothing comes of them."""
    chance = random.Random(int(os.environ.get("SEED", "1")))
    with daemon(store_only=False) as d:
        c, g = d.client(), d.guest(5, "web")
        c.write("/local/domain/5/data", "x" * 50)
        c.perms("/local/domain/5/data", "n5", "r0", "b7")
        c.perms("@releaseDomain", "n0", "r5")
        g.ask(WATCH, strings("data", "token"))
        g.ask(WATCH, strings("/local", "token"))
        g.ask(UNWATCH, strings("/local", "token"))
        g.end(g.begin())
        g.begin()
        for path in ("/a/b/c", "/a/d"):
            c.write(path, "value")
        c.ask(RM, strings("/a/b"))
        g.send(pack(WRITE, strings("data") + b"half", req=70)[:20])
        c.read("/tool")
        d.kill()
        with open(d.dir + "/froed.journal", "rb") as f:
            whole = f.read()
        for _ in range(int(os.environ.get("DAMAGES", "25"))):
            journal = bytearray(whole)
            for _ in range(chance.randrange(1, 6)):
                at, size = chance.choice(records(whole))
                # its domain and type, or what it says
                journal[at + chance.choice((4, 5, 6, chance.randrange(8, size)))] = chance.choice(
                    (0, 1, 5, 47, 127, 128, 255, chance.randrange(256)))
            with open(d.dir + "/froed.journal", "wb") as f:
                f.write(journal)
            d.start()
            c, other = d.client(), d.guest(6, "other")
            c.error(READ, strings("/local/domain/5/data"))
            c.error(GET_PERMS, strings("@releaseDomain"))
            c.error(WRITE, strings("/local/domain/5/data") + b"y")
            equal(other.error(READ, strings("/tool")), "EACCES")
            d.kill()
        with open(d.dir + "/froed.journal", "wb") as f:
            f.write(whole)
        d.start()


class Busy(threading.Thread):
    """A guest that counts in a node by transactions, and knows what it was told."""

    def __init__(self, ring, path):
        super().__init__()
        self.ring, self.path, self.stop, self.count, self.fault = ring, path, False, 0, None

    def run(self):
        g = self.ring
        try:
            while not self.stop:
                t = g.begin()
                value = int(g.read(self.path, t))
                if value != self.count:
                    raise Failure(f"{self.path} is {value}, not {self.count}")
                g.write(self.path, str(value + 1), t)
                if g.end(t) == "OK":
                    self.count += 1
                g.write(self.path + "/big", "b" * 2000)
                if g.read(self.path + "/big") != "b" * 2000:
                    raise Failure("a value is not what was written")
        except Exception as e:
            self.fault = e


def test_at_random():
    """Killed at moments of chance under guests that are busy: all that was answered is there."""
    chance = random.Random(int(os.environ.get("SEED", "1")))
    with daemon(store_only=False, binary="build/tests/store/froed") as d:
        c = d.client()
        guests = []
        for domid in (5, 6):
            c.write(f"/g{domid}", "0")
            c.perms(f"/g{domid}", f"n{domid}")
            guests.append(Busy(d.guest(domid), f"/g{domid}"))
        for g in guests:
            g.start()
        try:
            kills = int(os.environ.get("KILLS", "25"))
            # On a busy machine little is done between two kills: then there are more of them.
            while (kills > 0 or min(g.count for g in guests) < 25) and not any(g.fault for g in guests):
                time.sleep(chance.random() * 0.05)
                d.restart()
                kills -= 1
        finally:
            for g in guests:
                g.stop = True
            for g in guests:
                g.join()
        for g in guests:
            if g.fault:
                raise g.fault
            equal(d.client().read(g.path), str(g.count))


def test_background():
    """Without -F: ready when the first process ends, one at a time, messages in a file of limited size."""
    with daemon() as d:
        args = [d.binary, "--store-only", "--socket", d.socket, "--run-dir", d.dir, "--log-dir", d.dir + "/log.d"]
        done = subprocess.run(args, capture_output=True, text=True, timeout=DEADLINE, check=False)
        equal((done.returncode, "another froed is running" in done.stderr), (1, True))
        d.kill()
        done = subprocess.run(args, capture_output=True, text=True, timeout=DEADLINE, check=False)
        equal((done.returncode, done.stderr), (0, ""))
        c = d.client()
        for i in range(300):
            c.ask(CONTROL, strings("print", f"{i} " + "x" * 190))
        with open(d.dir + "/log.d/froed.log", encoding="ascii") as f:
            lines = f.read().splitlines()
        equal(len(lines), 300)
        equal(lines[299][20:50], f"froed: control: 299 {'x' * 10}")
        with open(d.dir + "/log.d/froed.log", "ab") as f:
            f.truncate(1 << 20)
        c.ask(CONTROL, strings("print", "after"))
        equal(os.stat(d.dir + "/log.d/froed.log.1").st_size, 1 << 20)
        with open(d.dir + "/froed.pid", encoding="ascii") as f:
            pid = int(f.read())
        ended = os.pidfd_open(pid)  # its lock is gone with it, and not before
        os.kill(pid, 15)
        equal(select.select([ended], [], [], DEADLINE)[0], [ended], "it ends")
        os.close(ended)
        with open(d.dir + "/log.d/froed.log", encoding="ascii") as f:
            equal("ends; guests wait" in f.read(), True)
        equal(c.closed(), True)
        d.start()
