# SPDX-License-Identifier: GPL-2.0-only
"""A froed to test, and clients that speak its protocol: on a socket, and as a guest on a ring."""
import mmap
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

(CONTROL, DIRECTORY, READ, GET_PERMS, WATCH, UNWATCH, TRANSACTION_START, TRANSACTION_END, INTRODUCE,
 RELEASE, GET_DOMAIN_PATH, WRITE, MKDIR, RM, SET_PERMS, WATCH_EVENT, ERROR, IS_DOMAIN_INTRODUCED,
 RESUME, SET_TARGET) = range(20)
RESET_WATCHES, DIRECTORY_PART = 21, 22

DEADLINE = 100  # seconds until a thing that has to come counts as lost, on a busy machine too


LOCK = threading.Lock()


def barrier():
    """What was written before is seen by the daemon before anything is read after."""
    with LOCK:
        pass


class Failure(Exception):
    """The daemon did what it should not."""


class StoreError(Exception):
    """An answer of type ERROR; args[0] is its name."""


def pack(kind, payload, tx=0, req=0):
    return struct.pack("<4I", kind, req, tx, len(payload)) + payload


def strings(*args):
    return b"".join((a.encode() if isinstance(a, str) else a) + b"\0" for a in args)


class Client:
    """What both kinds of client can do. They bring send(), receive(timeout) and alive()."""

    def __init__(self):
        self.pending = b""
        self.events = []
        self.req = 0

    def frame(self, timeout=DEADLINE):
        """The next whole message: type, req, tx, payload. None: the time is up."""
        end = time.monotonic() + timeout
        while True:
            if len(self.pending) >= 16:
                kind, req, tx, length = struct.unpack_from("<4I", self.pending)
                if len(self.pending) >= 16 + length:
                    payload = self.pending[16:16 + length]
                    self.pending = self.pending[16 + length:]
                    return kind, req, tx, payload
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.pending += self.receive(left)

    def answer(self, kind, tx, req):
        while True:
            got = self.frame()
            if got is None:
                raise Failure(f"no answer to {kind}")
            if got[0] == WATCH_EVENT:
                self.events.append(tuple(got[3].decode().split("\0")[:2]))
                continue
            if got[1] != req or got[2] != tx or got[0] not in (kind, ERROR):
                raise Failure(f"answer {got} to request {kind}, {req}, {tx}")
            if got[0] == ERROR:
                raise StoreError(got[3].decode().rstrip("\0"))
            return got[3]

    def ask(self, kind, payload=b"", tx=0):
        self.req += 1
        self.send(pack(kind, payload, tx, self.req))
        return self.answer(kind, tx, self.req)

    def error(self, kind, payload=b"", tx=0):
        """The name of the error that this gets, "OK" for none."""
        try:
            self.ask(kind, payload, tx)
        except StoreError as e:
            return e.args[0]
        return "OK"

    def event(self, timeout=DEADLINE):
        if self.events:
            return self.events.pop(0)
        got = self.frame(timeout)
        if got is None:
            return None
        if got[0] != WATCH_EVENT:
            raise Failure(f"{got} in place of an event")
        return tuple(got[3].decode().split("\0")[:2])

    def quiet(self):
        """All events so far, by a request that makes the daemon say what it had to say."""
        self.ask(GET_DOMAIN_PATH, b"0\0")
        got, self.events = self.events, []
        return got

    def read(self, path, tx=0):
        return self.ask(READ, strings(path), tx).decode()

    def write(self, path, value, tx=0):
        return self.ask(WRITE, strings(path) + (value.encode() if isinstance(value, str) else value), tx)

    def ls(self, path, tx=0):
        got = self.ask(DIRECTORY, strings(path), tx)
        return got.decode().split("\0")[:-1]

    def perms(self, path, *to, tx=0):
        if to:
            return self.ask(SET_PERMS, strings(path, *to), tx)
        return self.ask(GET_PERMS, strings(path), tx).decode().split("\0")[:-1]

    def begin(self):
        return int(self.ask(TRANSACTION_START, b"\0")[:-1])

    def end(self, tx, commit=True):
        return self.error(TRANSACTION_END, b"T\0" if commit else b"F\0", tx)

    def tree(self, path="/"):
        """Everything below: path -> value, permissions."""
        found, base = {path: (self.ask(READ, strings(path)), self.perms(path))}, path.rstrip("/")
        for name in self.ls(path):
            found.update(self.tree(f"{base}/{name}"))
        return found


class Sock(Client):
    def __init__(self, path, domid=0):
        super().__init__()
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        if domid:
            self.ask(CONTROL, strings("domain", str(domid)))

    def send(self, data):
        self.sock.sendall(data)

    def receive(self, timeout):
        self.sock.settimeout(timeout)
        try:
            got = self.sock.recv(65536)
        except (socket.timeout, TimeoutError):
            return b""
        if not got:
            raise EOFError
        return got

    def closed(self):
        """Waits for the daemon to close it."""
        try:
            while self.receive(DEADLINE):
                pass
        except (EOFError, ConnectionResetError):
            return True
        return False

    def close(self):
        self.sock.close()


class Ring(Client):
    """A guest, in the files that tests/store/door.c takes for one."""
    SIZE = 1024
    REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD, FEATURES, CONNECTION, ERROR = range(2048, 2076, 4)

    def __init__(self, doors, domid, port=1):
        super().__init__()
        self.domid, self.port = domid, port
        self.page = page_file(f"{doors}/{domid}.1")
        self.out, self.inp = event_files(doors, domid, port)

    # Whole words, where struct.pack_into() would write byte by byte.
    def get(self, at):
        return memoryview(self.page).cast("I")[at // 4]

    def put(self, at, value):
        memoryview(self.page).cast("I")[at // 4] = value & 0xffffffff

    def notify(self):
        try:
            os.write(self.out, b"x")
        except BlockingIOError:
            pass

    def wait(self, timeout):
        if select.select([self.inp], [], [], timeout)[0]:
            os.read(self.inp, 4096)

    def send(self, data):
        end = time.monotonic() + DEADLINE
        while data:
            cons, prod = self.get(self.REQ_CONS), self.get(self.REQ_PROD)
            room = self.SIZE - ((prod - cons) & 0xffffffff)
            if room == 0:
                if time.monotonic() > end:
                    raise Failure("the request ring stays full")
                self.pending += self.receive(0.5)
                continue
            part, data = data[:room], data[room:]
            for i, byte in enumerate(part):
                self.page[(prod + i) % self.SIZE] = byte
            self.put(self.REQ_PROD, prod + len(part))
            # As Linux does: only if the daemon has taken all there was, and so may be asleep.
            barrier()
            if prod == self.get(self.REQ_CONS):
                self.notify()

    def receive(self, timeout):
        cons, prod = self.get(self.RSP_CONS), self.get(self.RSP_PROD)
        if cons == prod:
            self.wait(timeout)
            prod = self.get(self.RSP_PROD)
        count = (prod - cons) & 0xffffffff
        got = bytes(self.page[self.SIZE + (cons + i) % self.SIZE] for i in range(count))
        if got:
            self.put(self.RSP_CONS, prod)
            barrier()
            if (self.get(self.RSP_PROD) - cons) & 0xffffffff >= self.SIZE:
                self.notify()
        return got


class Console:
    """The guest's side of its console."""
    IN_CONS, IN_PROD, OUT_CONS, OUT_PROD = range(3072, 3088, 4)

    def __init__(self, doors, domid, port=2):
        self.page = page_file(f"{doors}/{domid}.0")
        self.out, self.inp = event_files(doors, domid, port)

    get, put, notify, wait = Ring.get, Ring.put, Ring.notify, Ring.wait

    def print(self, text):
        """As Linux does: waits for room, for as long as it takes."""
        end = time.monotonic() + DEADLINE
        while text:
            cons, prod = self.get(self.OUT_CONS), self.get(self.OUT_PROD)
            room = 2048 - ((prod - cons) & 0xffffffff)
            part, text = text[:room], text[room:]
            for i, byte in enumerate(part):
                self.page[1024 + (prod + i) % 2048] = byte
            self.put(self.OUT_PROD, prod + len(part))
            self.notify()
            if part:
                end = time.monotonic() + DEADLINE
            elif text:
                if time.monotonic() > end:
                    raise Failure("nobody takes the console's output")
                time.sleep(0.0005)

    def typed(self, count):
        """What has been typed, at least so many bytes."""
        got, end = b"", time.monotonic() + DEADLINE
        while len(got) < count:
            cons, prod = self.get(self.IN_CONS), self.get(self.IN_PROD)
            if cons == prod:
                if time.monotonic() > end:
                    raise Failure(f"typed: only {got!r}")
                self.wait(0.5)
                continue
            if (prod - cons) & 0xffffffff > 1024:
                raise Failure("more in the ring than fits")
            got += bytes(self.page[(cons + i) % 1024] for i in range((prod - cons) & 0xffffffff))
            self.put(self.IN_CONS, prod)
            self.notify()
        return got


class Viewer:
    """A client of a console's socket."""

    def __init__(self, d, domid, offset="-", mode=""):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(f"{d.dir}/console/{domid}")
        self.sock.sendall(f"froe-console 1 {offset}{mode and ' ' + mode}\n".encode())
        line = b""
        while not line.endswith(b"\n"):
            got = self.sock.recv(1)
            if not got:
                raise EOFError(line)
            line += got
        self.line = line.decode()
        if line.startswith(b"OK "):
            self.offset, self.mode = int(line.split()[1]), line.split()[2].decode()

    def see(self, count):
        """The next `count` bytes."""
        got = b""
        while len(got) < count:
            part = self.sock.recv(count - len(got))
            if not part:
                raise EOFError(got)
            got += part
        self.offset += count
        return got

    def type(self, text):
        self.sock.sendall(text)

    def close(self):
        self.sock.close()


def page_file(path):
    with open(path, "w+b") as f:
        f.truncate(4096)
        return mmap.mmap(f.fileno(), 4096)


def event_files(doors, domid, port):
    """Both ends of an event channel: to write to, to read from."""
    fds = []
    for side in ("froed", "guest"):
        path = f"{doors}/{domid}.{port}.{side}"
        if not os.path.exists(path):
            os.mkfifo(path)
        fds.append(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    return fds


class Daemon:
    """A froed in a folder of its own."""

    def __init__(self, store_only=True, binary="build/tests/store/froed", args=()):
        self.dir = tempfile.mkdtemp(prefix="froed.")
        self.socket, self.doors = self.dir + "/socket", self.dir + "/doors"
        self.binary, self.store_only, self.args = binary, store_only, args
        os.mkdir(self.doors)
        os.mkfifo(self.doors + "/deaths")
        self.own = Ring(self.doors, 0)
        self.domains = {0: ("-", "-")}
        self.show_domains()
        self.start()

    def show_domains(self):
        with open(self.doors + "/domains.new", "w", encoding="ascii") as f:
            for domid, (dying, reason) in sorted(self.domains.items()):
                f.write(f"{domid} {dying} {reason}\n")
        os.rename(self.doors + "/domains.new", self.doors + "/domains")

    def deaths(self):
        self.show_domains()
        fd = os.open(self.doors + "/deaths", os.O_RDWR | os.O_NONBLOCK)
        os.write(fd, b"x")
        os.close(fd)

    def start(self):
        env = dict(os.environ, FROED_DOORS=self.doors, FROED_TEST_DIR=self.dir,
                   ASAN_OPTIONS="detect_leaks=1", PATH=self.dir + "/bin:" + os.environ["PATH"])
        with open(self.dir + "/log", "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "-F", *(["--store-only"] if self.store_only else []), "--socket", self.socket,
                 "--run-dir", self.dir, "--log-dir", self.dir, *self.args], env=env, stderr=log)
        self.pid = self.process.pid
        end = time.monotonic() + DEADLINE
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failure(f"does not start: {self.log()[-2000:]}")
            time.sleep(0.002)

    def ready(self):
        """It writes its number when its socket is there."""
        try:
            with open(self.dir + "/froed.pid", encoding="ascii") as f:
                return f.read() == f"{self.pid}\n"
        except OSError:
            return False

    def log(self):
        with open(self.dir + "/log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.kill()
        self.start()

    def wait_log(self, text):
        end = time.monotonic() + DEADLINE
        while text not in self.log():
            if time.monotonic() > end:
                raise Failure(f"{text!r} is not in the log: {self.log()[-1000:]}")
            time.sleep(0.005)

    def alive(self):
        return self.process.poll() is None

    def client(self, domid=0):
        return Sock(self.socket, domid)

    def guest(self, domid, name=None):
        """A guest that has been introduced; one with a name has a console."""
        ring = Ring(self.doors, domid)
        self.domains[domid] = ("-", "-")
        self.show_domains()
        c = self.client()
        if name:
            ring.console = Console(self.doors, domid)
            c.write(f"/local/domain/{domid}/name", name)
            c.write(f"/local/domain/{domid}/console/port", "2")
            c.write(f"/local/domain/{domid}/vm", f"/vm/u{domid}")
            c.write(f"/vm/u{domid}/name", name)
        c.ask(INTRODUCE, strings(str(domid), "1044476", "1"))
        c.close()
        return ring

    def close(self):
        """It has to be alive, and to have lost no memory."""
        if self.alive():
            self.process.terminate()
        status = self.process.wait(DEADLINE)
        if status:
            raise Failure(f"ended with {status}: {self.log()[-4000:]}")
        shutil.rmtree(self.dir)
