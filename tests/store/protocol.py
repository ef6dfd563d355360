# SPDX-License-Identifier: GPL-2.0-only
"""Each message type, right and wrong, in raw frames."""
import contextlib
import os
import random
import socket
import struct

from client import *


@contextlib.contextmanager
def daemon(**how):
    d = Daemon(**how)
    try:
        yield d
        d.close()
    except Exception as e:
        e.add_note(f"the daemon said: {d.log()[-3000:]}") if hasattr(e, "add_note") else None
        raise
    finally:
        if d.alive():
            d.kill()


def equal(got, want, what=""):
    if got != want:
        raise Failure(f"{what}: {got!r:.500}, not {want!r:.500}")


def test_log_lines():
    """What clients send cannot write lines into the log, or steer a terminal."""
    with daemon(args=("-v",)) as d:
        c = d.client()
        c.error(READ, strings("/a\nfroed: forged\x1b[2J\x7f"))
        c.ask(CONTROL, strings("print", "b\nfroed: forged"))
        d.wait_log("READ /a?froed: forged?[2J?: EINVAL\n")
        d.wait_log("control: b?froed: forged\n")
        equal("\nfroed: forged" in d.log(), False)
        equal(os.stat(d.dir + "/froed.pid").st_mode & 0o777, 0o600, "nobody else can hold its lock")


def test_read_write():
    with daemon() as d:
        c = d.client()
        equal(c.write("/a/b/c", "hello"), b"OK\0")
        equal(c.read("/a/b/c"), "hello")
        equal(c.read("/a/b"), "", "made on the way")
        equal(c.ls("/a"), ["b"])
        equal(c.write("/a/b/c", b"\0\xff bytes\0"), b"OK\0")
        equal(c.ask(READ, strings("/a/b/c")), b"\0\xff bytes\0")
        c.write("/a/b/c", "")
        equal(c.ask(READ, strings("/a/b/c")), b"")
        c.write("relative", "1")
        equal(c.read("/local/domain/0/relative"), "1")
        equal(c.error(READ, strings("/none")), "ENOENT")
        equal(c.error(READ, strings("/a/b/c/d")), "ENOENT")
        c.write("/big", b"x" * 4091)
        equal(len(c.read("/big")), 4091)


def test_mkdir_rm():
    with daemon() as d:
        c = d.client()
        equal(c.error(MKDIR, strings("/m/n")), "OK")
        c.write("/m/n/o", "1")
        equal(c.error(MKDIR, strings("/m/n")), "OK", "there already")
        equal(c.ls("/m/n"), ["o"], "and left alone")
        equal(c.error(RM, strings("/m")), "OK")
        equal(c.error(READ, strings("/m/n/o")), "ENOENT")
        equal(c.error(RM, strings("/m")), "OK", "gone already")
        equal(c.error(RM, strings("/m/n/o")), "ENOENT", "its parent is gone too")
        equal(c.error(RM, strings("/")), "EINVAL")


def test_directory():
    with daemon() as d:
        c = d.client()
        names = sorted(f"n{i:03}" for i in range(300))
        for name in random.Random(1).sample(names, len(names)):
            c.write(f"/dir/{name}", "")
        equal(c.ls("/dir"), names)
        for name in names[::2]:
            c.ask(RM, strings(f"/dir/{name}"))
        equal(c.ls("/dir"), names[1::2])
        equal(c.error(DIRECTORY, strings("/dir/none")), "ENOENT")
        equal(c.ls("/dir/n001"), [])


def test_directory_part():
    with daemon() as d:
        c = d.client()
        names = sorted(f"a-rather-long-name-{i:04}" for i in range(500))
        for name in names:
            c.write(f"/dir/{name}", "")
        equal(c.error(DIRECTORY, strings("/dir")), "E2BIG")
        got, offset, generations = b"", 0, set()
        while not got.endswith(b"\0\0"):
            generation, part = c.ask(DIRECTORY_PART, strings("/dir", str(offset))).split(b"\0", 1)
            generations.add(generation)
            got += part
            offset = len(got)
        equal(got[:-2].decode().split("\0"), names)
        equal(len(generations), 1)
        c.write("/dir/more", "")
        equal(c.ask(DIRECTORY_PART, strings("/dir", "0")).split(b"\0")[0] in generations, False)
        equal(c.ask(DIRECTORY_PART, strings("/dir", "99999999"))[-2:], b"\0\0", "behind the end")
        equal(c.error(DIRECTORY_PART, strings("/dir", "x")), "EINVAL")
        equal(c.error(DIRECTORY_PART, strings("/dir")), "EINVAL")


def test_paths():
    with daemon() as d:
        c = d.client()
        for bad in ("", "//", "/a//b", "/a/", "a/", "/a b", "/a.b", "/\x7f", "/ä", "@x", "/a\n", "a//b"):
            for kind in (READ, DIRECTORY, GET_PERMS, MKDIR, RM):
                equal(c.error(kind, strings(bad)), "EINVAL", f"{kind} {bad!r}")
            equal(c.error(WRITE, strings(bad) + b"x"), "EINVAL", f"write {bad!r}")
            equal(c.error(SET_PERMS, strings(bad, "n0")), "EINVAL")
            equal(c.error(WATCH, strings(bad, "t")), "EINVAL", f"watch {bad!r}")
        for special in ("@introduceDomain", "@releaseDomain"):
            equal(c.error(READ, strings(special)), "EINVAL")
            equal(c.error(WRITE, strings(special)), "EINVAL")
        longest = "/" + "/".join(["a"] * 1535) + "/"
        longest += "b" * (3072 - len(longest))
        equal(c.error(WRITE, strings(longest) + b"deep"), "OK")
        equal(c.read(longest), "deep")
        equal(c.error(WRITE, strings(longest + "b")), "EINVAL")
        equal(c.error(WRITE, strings("r" * 2048)), "OK")
        equal(c.error(WRITE, strings("r" * 2049)), "EINVAL")
        equal(c.error(RM, strings("/a")), "OK")
        c.write("/-/Az_09@", "all characters")


def test_malformed():
    with daemon() as d:
        c = d.client()
        for kind in (READ, DIRECTORY, GET_PERMS, WRITE, MKDIR, RM, SET_PERMS, WATCH, UNWATCH, INTRODUCE, RELEASE,
                     GET_DOMAIN_PATH, IS_DOMAIN_INTRODUCED, RESUME, CONTROL, TRANSACTION_END, DIRECTORY_PART):
            equal(c.error(kind), "EINVAL", f"empty {kind}")
            equal(c.error(kind, b"/no/zero"), "EINVAL", f"{kind} without 0")
        for kind in (READ, DIRECTORY, GET_PERMS, MKDIR, RM):
            equal(c.error(kind, b"/a\0/b\0"), "EINVAL", f"two strings for {kind}")
        equal(c.error(WATCH, b"/a\0t"), "EINVAL")
        equal(c.error(WATCH, b"/a\0t\0u\0"), "EINVAL")
        equal(c.error(SET_PERMS, b"/tool\0n0"), "EINVAL")
        for bad in ("", "n", "x0", "r-1", "rx", "n0 ", "n32752", "n99999999999999999999"):
            equal(c.error(SET_PERMS, strings("/tool", bad)), "EINVAL", bad)
        for kind in (20, 23, 24, 100, 0xffff, 0xffffffff, WATCH_EVENT, ERROR):
            equal(c.error(kind, b"/tool\0"), "ENOSYS", f"type {kind}")
        equal(c.error(READ, strings("/tool"), tx=77), "ENOENT", "no such transaction")


def test_frames():
    """Pieces, several at once, the longest, and one that is too long."""
    with daemon() as d:
        c = d.client()
        for byte in pack(WRITE, b"/p\0piece", req=5):
            c.send(bytes([byte]))
        equal(c.answer(WRITE, 0, 5), b"OK\0")
        many = b"".join(pack(WRITE, strings(f"/m/{i}") + b"v%d" % i, req=i) for i in range(500))
        c.send(many)
        for i in range(500):
            equal(c.answer(WRITE, 0, i), b"OK\0")
        equal(c.read("/m/499"), "v499")
        c.send(pack(WRITE, b"/full\0" + b"y" * 4090, req=9))
        equal(c.answer(WRITE, 0, 9), b"OK\0")
        c.send(struct.pack("<4I", WRITE, 1, 0, 4097))
        equal(c.closed(), True)
        with_half = d.client()
        with_half.send(pack(WRITE, b"/half\0xx")[:20])
        with_half.close()
        equal(d.client().error(READ, strings("/half")), "ENOENT")


def test_unread_answers():
    """A client that sends and does not read gets no more than its share of memory."""
    with daemon() as d:
        c, other = d.client(), d.client()
        other.write("/big", b"z" * 4000)
        c.sock.settimeout(0.3)
        sent = 0
        with contextlib.suppress(TimeoutError, socket.timeout):
            while sent < 100000:
                c.sock.sendall(pack(READ, b"/big\0", req=sent))
                sent += 1
        equal(other.read("/big")[:1], "z", "others are served")
        if sent >= 100000:
            raise Failure("100000 answers were kept for a client that does not read")
        with open(f"/proc/{d.pid}/status", encoding="ascii") as f:
            kib = int([line.split()[1] for line in f if line.startswith("VmRSS")][0])
        if kib > 100 << 10:
            raise Failure(f"{kib} KiB in use")
        for i in range(sent):
            equal(len(c.answer(READ, 0, i)), 4000)


def test_permissions():
    with daemon() as d:
        c, g, h = d.client(), d.client(5), d.client(6)
        c.write("/local/domain/5/x", "mine")
        c.perms("/local/domain/5", "n0", "r5")
        c.perms("/local/domain/5/x", "n0", "r5")
        equal(g.read("x"), "mine", "relative")
        equal(g.error(WRITE, strings("x")), "EACCES")
        equal(g.error(WRITE, strings("y")), "EACCES")
        equal(h.error(READ, strings("/local/domain/5/x")), "EACCES")
        equal(h.error(READ, strings("/local/domain/5/none")), "EACCES", "nor hear that there is none")
        equal(g.error(READ, strings("none")), "ENOENT")
        equal(g.error(SET_PERMS, strings("x", "n5")), "EACCES")
        c.perms("/local/domain/5/x", "b5", "r6")
        g.write("x/new", "1")
        equal(g.perms("x/new"), ["b5", "r6"], "inherited")
        equal(h.read("/local/domain/5/x/new"), "1")
        equal(h.error(WRITE, strings("/local/domain/5/x")), "EACCES")
        equal(h.error(RM, strings("/local/domain/5/x/new")), "EACCES")
        g.perms("x/new", "n5", "b6")
        h.write("/local/domain/5/x/new/sub", "2")
        equal(c.perms("/local/domain/5/x/new/sub"), ["n6", "b6"], "its maker owns it")
        equal(g.error(READ, strings("x/new/sub")), "EACCES")
        equal(g.error(SET_PERMS, strings("x/new", "n6")), "EPERM", "nobody gives a node away")
        equal(h.error(SET_PERMS, strings("/local/domain/5/x/new", "n6")), "EACCES")
        equal(c.read("/local/domain/5/x/new/sub"), "2", "domain 0 sees all")
        equal(g.error(RM, strings("x")), "OK")
        for letter, may in (("n", ""), ("r", "r"), ("w", "w"), ("b", "rw")):
            c.write("/p", "")
            c.perms("/p", letter + "0")
            equal(g.error(READ, strings("/p")), "OK" if "r" in may else "EACCES", letter)
            equal(g.error(WRITE, strings("/p")), "OK" if "w" in may else "EACCES", letter)
        equal(c.perms("/p"), ["b0"])


def test_privileged():
    with daemon() as d:
        g = d.client(5)
        for kind, payload in ((CONTROL, strings("help")), (INTRODUCE, strings("7", "1", "2")), (RELEASE, strings("5")),
                              (IS_DOMAIN_INTRODUCED, strings("5")), (RESUME, strings("5")),
                              (SET_TARGET, strings("5", "6"))):
            equal(g.error(kind, payload), "EACCES", f"type {kind}")
        equal(g.error(GET_PERMS, strings("@releaseDomain")), "EACCES")
        equal(g.error(SET_PERMS, strings("@releaseDomain", "r0")), "EACCES")
        equal(g.error(WATCH, strings("@releaseDomain", "t")), "EACCES")
        equal(g.ask(GET_DOMAIN_PATH, b"9\0"), b"/local/domain/9\0")
        c = d.client()
        equal(c.ask(IS_DOMAIN_INTRODUCED, b"0\0"), b"T\0")
        equal(c.ask(IS_DOMAIN_INTRODUCED, b"5\0"), b"F\0")
        equal(c.error(SET_TARGET, strings("5", "6")), "ENOSYS")
        equal(c.error(RELEASE, b"5\0"), "ENOENT")
        equal(c.error(RELEASE, b"0\0"), "EINVAL")
        equal(c.error(RESUME, b"5\0"), "ENOENT")
        equal(c.error(INTRODUCE, strings("5", "1", "x")), "EINVAL")
        equal(b"print" in c.ask(CONTROL, strings("help")), True)
        equal(c.ask(CONTROL, strings("print", "a word")), b"OK\0")
        equal("control: a word" in d.log(), True)
        equal(c.error(CONTROL, strings("nonsense")), "EINVAL")
        c.perms("@releaseDomain", "n0", "r5")
        equal(c.perms("@releaseDomain"), ["n0", "r5"])
        equal(g.error(WATCH, strings("@releaseDomain", "t")), "OK")


def test_watches():
    with daemon() as d:
        c, w = d.client(), d.client()
        equal(w.error(WATCH, strings("/w", "tok en")), "OK")
        equal(w.event(), ("/w", "tok en"), "once at registration, though nothing is there")
        equal(w.error(WATCH, strings("/w", "tok en")), "EEXIST")
        equal(w.error(WATCH, strings("/w", "other")), "OK")
        equal(w.event(), ("/w", "other"))
        c.write("/w/a/b", "1")
        equal(sorted(w.quiet()), [("/w/a/b", "other"), ("/w/a/b", "tok en")])
        equal(w.error(UNWATCH, strings("/w", "other")), "OK")
        equal(w.error(UNWATCH, strings("/w", "other")), "ENOENT")
        equal(w.error(UNWATCH, strings("/v", "tok en")), "ENOENT")
        c.read("/w/a/b")
        c.write("/wx", "")
        c.write("/v", "")
        equal(w.quiet(), [], "a neighbour, and reading")
        c.ask(MKDIR, strings("/w/a"))
        equal(w.quiet(), [], "was there")
        c.ask(MKDIR, strings("/w/d"))
        c.perms("/w/d", "r0")
        equal(w.quiet(), [("/w/d", "tok en")] * 2)
        w.ask(WATCH, strings("/w/a/b", "leaf"))
        equal(w.event(), ("/w/a/b", "leaf"))
        c.ask(RM, strings("/w/a"))
        equal(sorted(w.quiet()), [("/w/a", "tok en"), ("/w/a/b", "leaf")], "what goes with its parent")
        w.ask(WATCH, strings("/", "root"))
        equal(w.event(), ("/", "root"))
        c.write("/elsewhere", "")
        equal(w.quiet(), [("/elsewhere", "root")])
        equal(w.error(RESET_WATCHES, b"\0"), "OK")
        c.write("/w/a", "")
        equal(w.quiet(), [])


def test_watch_relative():
    with daemon() as d:
        c, g = d.client(), d.client(5)
        c.write("/local/domain/5/device", "")
        c.perms("/local/domain/5/device", "n5")
        g.ask(WATCH, strings("device", "rel"))
        g.ask(WATCH, strings("/local/domain/5/device", "abs"))
        equal(g.quiet(), [("device", "rel"), ("/local/domain/5/device", "abs")])
        c.write("/local/domain/5/device/vif/0", "")
        equal(sorted(g.quiet()), [("/local/domain/5/device/vif/0", "abs"), ("device/vif/0", "rel")])


def test_watch_permissions():
    """A guest hears of what it may read, or could, and of what comes and goes in what it may read."""
    with daemon() as d:
        c, g = d.client(), d.client(5)
        c.write("/open", "")
        c.perms("/open", "r0")
        c.write("/secret", "")
        for path in ("/open", "/secret", "/"):
            g.ask(WATCH, strings(path, path))
        g.quiet()
        c.write("/secret/x", "")
        c.write("/secret", "")
        c.ask(RM, strings("/secret/x"))
        equal(g.quiet(), [], "nothing of what it may not read")
        c.write("/open/y", "1")
        equal(sorted(g.quiet()), [("/open/y", "/"), ("/open/y", "/open")])
        c.perms("/open/y", "n0")
        equal(sorted(g.quiet()), [("/open/y", "/"), ("/open/y", "/open")], "it could")
        c.write("/open/y", "2")
        equal(g.quiet(), [], "it can no more")
        c.ask(RM, strings("/open/y"))
        equal(sorted(g.quiet()), [("/open/y", "/"), ("/open/y", "/open")], "the parent shows that it went")


def test_watch_flood():
    """Events for one who does not read: bounded, and made up for when he does."""
    with daemon() as d:
        c, g = d.client(), d.client(5)
        c.write("/f", "")
        c.perms("/f", "r0")
        g.ask(WATCH, strings("/f", "flood"))
        equal(g.event(), ("/f", "flood"))
        for i in range(20000):
            c.sock.sendall(pack(WRITE, strings(f"/f/{i}"), req=i))
            c.answer(WRITE, 0, i)
        seen = 0
        while (got := g.event()) != ("/f", "flood"):
            equal(got, (f"/f/{seen}", "flood"), "in their order")
            seen += 1
        if seen >= 20000:
            raise Failure("all events were kept")
        c.write("/f/1", "again")
        equal(g.event(), ("/f/1", "flood"), "the one before stood for all that were lost")


def test_fuzz():
    """Frames of chance: an answer to each, or an end of that connection; the daemon lives."""
    chance = random.Random(int(os.environ.get("SEED", "1")))
    words = [b"/", b"/a", b"/a/b", b"a", b"@releaseDomain", b"T", b"F", b"n0", b"r5", b"0", b"1", b"5", b"", b"domain",
             b"print", b"help", b"/local/domain/5", b"4294967295", b"\xff", b"/" + b"x" * 300]
    with daemon() as d:
        c = d.client()
        for turn in range(int(os.environ.get("FUZZ", "6000"))):
            kind = chance.randrange(26)
            payload = b"".join(chance.choice(words) + chance.choice([b"\0", b"\0", b"\0", b""])
                               for _ in range(chance.randrange(5)))
            frame = pack(kind, payload, chance.choice([0, 0, 1, 2, chance.randrange(1 << 32)]), turn)
            if chance.random() < 0.01:
                frame = bytes(chance.randrange(256) for _ in range(chance.randrange(64)))
            try:
                c.send(frame)
                if chance.random() < 0.02:
                    c.close()
                    c = d.client(chance.choice([0, 5, 6]))
                while c.frame(0):
                    pass
            except (EOFError, OSError):
                c = d.client(chance.choice([0, 5, 6]))
        equal(d.client().error(READ, strings("/tool")), "OK")
