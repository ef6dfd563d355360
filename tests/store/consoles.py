# SPDX-License-Identifier: GPL-2.0-only
"""Guests' consoles: past output, viewers, the pty, the log file, kills."""
import random
import termios

from client import *
from protocol import daemon, equal

KEPT = 64 << 10


def pattern(start, count):
    """Text of which each part tells where it is."""
    whole = b"".join(b"%07d\n" % i for i in range(start // 8, (start + count) // 8 + 1))
    return whole[start % 8:start % 8 + count]


def all_taken(d, console):
    """Until the daemon has all that was printed, and has come to the end of that turn."""
    end = time.monotonic() + DEADLINE
    while console.get(Console.OUT_CONS) != console.get(Console.OUT_PROD):
        if time.monotonic() > end:
            raise Failure("nobody takes the console's output")
        time.sleep(0.005)
    d.client().read("/tool")


def test_output():
    with daemon(store_only=False) as d:
        g = d.guest(5, "web")
        g.console.print(b"before anybody looks\n")
        v = Viewer(d, 5)
        equal(v.line, "OK 0 rw\n")
        equal(v.see(21), b"before anybody looks\n")
        g.console.print(b"live\n")
        equal(v.see(5), b"live\n")
        w = Viewer(d, 5)
        equal((w.offset, w.mode), (0, "ro"))
        equal(w.see(26), b"before anybody looks\nlive\n")
        again = Viewer(d, 5, 21)
        equal(again.offset, 21)
        equal(again.see(5), b"live\n")
        far = Viewer(d, 5, 1 << 40)
        equal(far.offset, 0, "an offset that never was")


def test_kept():
    """Output that nobody reads: the guest never waits, the last 64 KiB are there."""
    with daemon(store_only=False) as d:
        g = d.guest(5, "web")
        g.console.print(pattern(0, 200000))
        v = Viewer(d, 5)
        g.console.print(b"!")
        equal(v.offset, 200000 - KEPT)
        equal(v.see(KEPT + 1), pattern(200000 - KEPT, KEPT) + b"!")


def test_input():
    with daemon(store_only=False) as d:
        g = d.guest(5, "web")
        v, w = Viewer(d, 5), Viewer(d, 5)
        w.type(b"not from here\n")
        v.type(b"ls\n")
        equal(g.console.typed(3), b"ls\n")
        text = pattern(0, 10000)
        v.type(text)
        equal(g.console.typed(10000), text, "as far as there is room, then the rest")
        v.close()
        third = None
        while third is None or third.mode != "rw":
            third = Viewer(d, 5)
        third.type(b"x")
        equal(g.console.typed(1), b"x")
        watcher = Viewer(d, 5, "-", "ro")
        equal(watcher.mode, "ro")


def test_lagging():
    """A viewer that does not read is sent away, and misses what is no longer kept when it comes back."""
    with daemon(store_only=False) as d:
        g = d.guest(5, "web")
        v = Viewer(d, 5)
        size = 3 << 20
        g.console.print(pattern(0, size))
        got = b""
        v.sock.settimeout(DEADLINE)
        try:
            while part := v.sock.recv(65536):
                got += part
        except ConnectionResetError:
            pass
        if len(got) >= size:
            raise Failure("all was kept for one who did not read")
        equal(got, pattern(0, len(got)), "what came was in order")
        back = Viewer(d, 5, len(got))
        start = back.offset
        equal(start, max(len(got), size - KEPT))
        equal(back.see(size - start), pattern(start, size - start))


def test_greetings():
    with daemon(store_only=False) as d:
        d.guest(5, "web")
        for bad in ("x", "5x", "", "- xx"):
            equal(Viewer(d, 5, bad).line[:4], "ERR ", bad)
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(DEADLINE)
        s.connect(f"{d.dir}/console/5")
        try:
            s.sendall(b"y" * 1000)
            equal(s.recv(100), b"")
        except (ConnectionResetError, BrokenPipeError):
            pass
        equal(os.stat(f"{d.dir}/console/5").st_mode & 0o777, 0o600)
        equal(Viewer(d, 5).mode, "rw")


def test_pty():
    with daemon(store_only=False) as d:
        g = d.guest(5, "web")
        g.console.print(b"past\n")
        tty = d.client().read("/local/domain/5/console/tty")
        fd = os.open(tty, os.O_RDWR | os.O_NOCTTY)
        equal(termios.tcgetattr(fd)[3] & (termios.ECHO | termios.ICANON), 0, "raw")
        equal(os.read(fd, 100), b"past\n")
        os.write(fd, b"typed\n")
        equal(g.console.typed(6), b"typed\n")
        os.close(fd)
        g.console.print(pattern(0, 300000))
        g.console.print(b"the end")
        fd = os.open(tty, os.O_RDWR | os.O_NOCTTY)
        got = b""
        while not got.endswith(b"the end"):
            got += os.read(fd, 4096)
        os.close(fd)
        if not 4096 <= len(got) < 200000:
            raise Failure(f"{len(got)} bytes waited in the pty")
        equal(got[:-7] in pattern(0, 300000), True, "the last of it, in one piece")


def test_log():
    """All of it, in two files of at most 1 MiB."""
    with daemon(store_only=False) as d:
        g = d.guest(5, "../we/b")
        c = Viewer(d, 5)
        g.console.print(b"logged\n")
        c.see(7)
        with open(d.dir + "/guest-.._we_b.log", "rb") as f:
            equal(f.read(), b"logged\n")
        g.console.print(pattern(0, 1500000))
        names = [d.dir + "/guest-.._we_b.log" + end for end in ("", ".1")]
        all_taken(d, g.console)
        sizes = [os.stat(name).st_size for name in names]
        if sum(sizes) != 1500007 or max(sizes) > 1 << 20:
            raise Failure(f"log files of {sizes} bytes")
        g.console.print(pattern(0, 1500000))
        all_taken(d, g.console)
        equal(max(os.stat(name).st_size for name in names) <= 1 << 20, True)
        equal(len([n for n in os.listdir(d.dir) if n.startswith("guest-")]), 2)


def test_kills():
    """Killed in the middle of output and of input: none is lost or doubled, here or in the log."""
    chance = random.Random(int(os.environ.get("SEED", "1")))
    with daemon(store_only=False) as d:
        g = d.guest(5, "web")
        printed, seen, v = 0, 0, Viewer(d, 5)
        tty = d.client().read("/local/domain/5/console/tty")
        for _ in range(30):
            part = chance.randrange(1, 6000)
            g.console.print(pattern(printed, part))
            printed += part
            if chance.random() < 0.7:
                n = chance.randrange(printed - seen + 1)
                equal(v.see(n), pattern(seen, n))
                seen += n
            d.kill()
            more = chance.randrange(2048 - 8)
            cons, prod = g.console.get(Console.OUT_CONS), g.console.get(Console.OUT_PROD)
            more = min(more, 2048 - ((prod - cons) & 0xffffffff))
            g.console.print(pattern(printed, more))
            printed += more
            d.start()
            v = Viewer(d, 5, seen)
            equal(v.offset, max(seen, printed - KEPT))
            seen = v.offset
        equal(v.see(printed - seen), pattern(seen, printed - seen))
        with open(d.dir + "/guest-web.log", "rb") as f:
            equal(f.read() == pattern(0, printed), True, "the log has all of it once")
        equal(d.client().read("/local/domain/5/console/tty").startswith("/dev/pts/"), True)
        os.close(os.open(d.client().read("/local/domain/5/console/tty"), os.O_RDWR | os.O_NOCTTY))
        equal(tty.startswith("/dev/pts/"), True)


def test_log_rotation_killed():
    """A kill between the two steps of a rotation."""
    with daemon(store_only=False) as d:
        g = d.guest(5, "web")
        g.console.print(pattern(0, 5000))
        v = Viewer(d, 5)
        v.see(5000)
        d.kill()
        with open(d.dir + "/console/5.past", "r+b") as f:
            f.seek(16)
            f.write(struct.pack("<Q", 5000))
        d.start()
        g.console.print(pattern(5000, 1000))
        Viewer(d, 5, 5000).see(1000)
        with open(d.dir + "/guest-web.log.1", "rb") as f:
            equal(f.read() == pattern(0, 5000), True)
        with open(d.dir + "/guest-web.log", "rb") as f:
            equal(f.read() == pattern(5000, 1000), True)


def test_log_removed():
    """Somebody has removed the file: the next one begins when it would have been full."""
    with daemon(store_only=False) as d:
        g = d.guest(5, "web")
        g.console.print(b"x" * 1000)
        Viewer(d, 5).see(1000)
        os.unlink(d.dir + "/guest-web.log")
        g.console.print(b"y" * ((1 << 20) - 1000) + b"new")
        v = Viewer(d, 5)
        v.see((1 << 20) + 3 - v.offset)
        with open(d.dir + "/guest-web.log", "rb") as f:
            equal(f.read()[-3:], b"new")


def test_log_rotation_fails():
    """Something is in the way of the old file: no more is logged, and all else goes on."""
    with daemon(store_only=False) as d:
        os.mkdir(d.dir + "/guest-web.log.1")
        g = d.guest(5, "web")
        g.console.print(pattern(0, 1500000))
        d.wait_log("guest-web.log.1: Is a directory; this console is logged no more")
        g.console.print(b"the end")
        v = Viewer(d, 5)
        equal(v.see(1500007 - v.offset)[-7:], b"the end")
        equal(d.log().count("guest-web.log.1"), 1)
        equal(os.stat(d.dir + "/guest-web.log").st_size <= 1 << 20, True)


def test_hostile():
    with daemon(store_only=False) as d:
        other = d.guest(99, "other")
        for i, (at, to) in enumerate(((Console.OUT_PROD, 2049), (Console.OUT_PROD, 0xffffffff),
                                      (Console.IN_CONS, 1), (Console.IN_CONS, -1025))):
            g = d.guest(10 + i, f"g{i}")
            g.console.put(at, to)
            g.console.notify()
            d.wait_log(f"domain {10 + i}: console: the guest's")
            for _ in range(3):
                g.console.notify()
            v = Viewer(d, 10 + i)
            v.type(b"x")
            equal(d.log().count(f"domain {10 + i}: console"), 1)
            equal(g.error(READ, strings("/tool")), "EACCES", "its store is served")
        other.console.print(b"fine")
        equal(Viewer(d, 99).see(4), b"fine")


def test_flood():
    """A guest that sends events as fast as it can leaves others their turn."""
    with daemon(store_only=False) as d:
        g, c = d.guest(5, "flood"), d.client()
        for _ in range(200):
            for _ in range(20):
                g.console.notify()
                g.notify()
            c.read("/tool")
        g.console.print(b"still there")
        equal(Viewer(d, 5).see(11), b"still there")
        equal(g.error(READ, strings("/tool")), "EACCES")


def test_end():
    """What a guest said last is logged; then nothing of its console is left."""
    with daemon(store_only=False) as d:
        g, c = d.guest(5, "web"), d.client()
        v = Viewer(d, 5)
        g.console.print(b"bye")
        c.ask(RELEASE, b"5\0")
        equal(v.see(3), b"bye")
        equal(v.sock.recv(1), b"")
        equal(os.listdir(d.dir + "/console"), [])
        with open(d.dir + "/guest-web.log", "rb") as f:
            equal(f.read(), b"bye")
        d.restart()
        equal(os.listdir(d.dir + "/console"), [])
        d.guest(5, "web")
        equal(Viewer(d, 5).line, "OK 0 rw\n", "a new guest has no past")
