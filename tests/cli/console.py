#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A stand-in for froed's console socket, and a terminal for froe: one scene of a test."""
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
import time

FROE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/tests/cli/bin/froe")
LIMIT = 100  # seconds: nothing here takes long, but the machine may be busy


class Server:
    def __init__(self, domid=1):
        self.path = os.environ["FROE_RUN_DIR"] + f"/console/{domid}"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.listener.settimeout(LIMIT)

    def accept(self, answer=None):
        """The client's first line, and the answer to it."""
        self.client = self.listener.accept()[0]
        self.client.settimeout(LIMIT)
        line = b""
        while not line.endswith(b"\n"):
            line += self.client.recv(1)
        if answer:
            self.client.sendall(answer)
        return line.decode().strip()

    def want(self, data):
        got = b""
        while len(got) < len(data):
            more = self.client.recv(4096)
            assert more, f"ended after {got!r}"
            got += more
        assert got == data, f"{got!r}, not {data!r}"

    def end(self):
        """As froed is killed: the connection ends, and there is nobody for the next one."""
        os.unlink(self.path)
        self.listener.close()
        self.client.close()


class Terminal:
    def __init__(self, *arguments):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen([FROE, *arguments], stdin=self.slave, stdout=self.slave,
                                        stderr=subprocess.PIPE, start_new_session=True)
        self.seen = b""

    def type(self, data):
        os.write(self.master, data)

    def see(self, data):
        """Until it is on the screen; what came before it is forgotten."""
        while data not in self.seen:
            ready = select.select([self.master], [], [], LIMIT)[0]
            assert ready, f"{self.seen!r} and nothing more, not {data!r}"
            self.seen += os.read(self.master, 4096)
        before, _, self.seen = self.seen.partition(data)
        return before

    def raw(self):
        """Wait until froe has the terminal: it is raw then."""
        end = time.monotonic() + LIMIT
        while termios.tcgetattr(self.slave)[3] & termios.ICANON:
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < end, "the terminal is not raw"
            time.sleep(0.001)

    def left(self, status, said=b""):
        assert self.process.wait(LIMIT) == status, (self.process.returncode, self.process.stderr.read())
        errors = self.process.stderr.read()
        assert said in errors, errors
        assert termios.tcgetattr(self.slave) == self.before, "the terminal is not as it was"


def later(domains):
    """From now on these are the domains."""
    with open("later.new", "w", encoding="ascii") as file:
        file.write(domains)
    os.rename("later.new", "later")


def session():
    server, terminal = Server(), Terminal("console", "web1")
    assert server.accept(b"OK 0 rw\nwelcome\r\nlogin: ") == "froe-console 1 -"
    assert terminal.see(b"login: ") == b"welcome\r\n"
    terminal.type(b"root\r\x03\x1a")  # Ctrl-C and Ctrl-Z are the guest's
    server.want(b"root\r\x03\x1a")
    server.client.sendall(bytes(range(1, 256)))
    terminal.see(bytes(range(1, 256)))
    terminal.type(b"x\x1dy")
    terminal.left(0, b"Console of web1; Ctrl-] leaves")
    server.client.settimeout(LIMIT)
    assert server.client.recv(10) == b"", "what was typed with the escape went to the guest"


def escape():
    for key, typed in (("^A", b"\x01"), ("~", b"~"), ("^b", b"\x02")):
        server, terminal = Server(), Terminal("-q", "console", "-e", key, "web1")
        server.accept(b"OK 0 rw\n")
        terminal.raw()
        terminal.type(b"\x1d")
        server.want(b"\x1d")
        terminal.type(typed)
        terminal.left(0)
        server.end()


def read_only():
    server, terminal = Server(), Terminal("console", "web1")
    server.accept(b"OK 5 ro\nhello")
    terminal.see(b"hello")
    terminal.type(b"typed in vain")
    server.client.sendall(b"more")
    terminal.see(b"more")
    terminal.type(b"\x1d")
    terminal.left(0, b"web1, to look at only; ")
    assert server.client.recv(100) == b""


def refused():
    for answer, told in ((b"ERR no such guest\n", b"web1: no such guest"),
                         (b"HELLO\n", b"web1: froed speaks otherwise")):
        server, terminal = Server(), Terminal("console", "web1")
        server.accept(answer)
        terminal.left(1, b"froe: console: " + told)
        server.end()
    server, terminal = Server(), Terminal("console", "web1")
    server.accept()
    server.client.close()
    terminal.left(12, b"froe: console: web1: console: ")


def again():
    server, terminal = Server(), Terminal("console", "web1")
    server.accept(b"OK 100 rw\nabc")
    terminal.see(b"abc")
    server.end()
    server = Server()
    assert server.accept(b"OK 103 rw\ndef") == "froe-console 1 103"
    assert terminal.see(b"def") == b""
    server.end()
    server = Server()
    assert server.accept(b"OK 106 rw\n") == "froe-console 1 106"
    terminal.type(b"still here")
    server.want(b"still here")
    terminal.type(b"\x1d")
    terminal.left(0)


def ended():
    server, terminal = Server(3), Terminal("console", "db")
    server.accept(b"OK 0 rw\nbye")
    terminal.see(b"bye")
    later("")
    server.end()
    terminal.left(0, b"froe: db has ended")


def reboot():
    server, terminal = Server(3), Terminal("console", "db")
    server.accept(b"OK 0 rw\nrestarting")
    terminal.see(b"restarting")
    later("")
    server.end()
    terminal.type(b"too early")
    uuid = "uuid=11234567-89ab-cdef-0123-456789abcdef"
    server = Server(8)
    later(f"domain id=3 {uuid} flags=d\ndomain id=8 name=db {uuid} flags=r")
    assert server.accept(b"OK 0 rw\nBooting") == "froe-console 1 -"
    terminal.see(b"Booting")
    terminal.type(b"\x1d")
    terminal.left(0)
    assert server.client.recv(10) == b"", "what the last life did not take went to the next"


def pipe():
    server = Server()
    process = subprocess.Popen([FROE, "console", "web1"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    server.accept(b"OK 0 rw\nout")
    process.stdin.write(b"in\x1d" + b"x" * 100000)
    process.stdin.close()
    server.want(b"in\x1d" + b"x" * 100000)
    later("")
    server.client.sendall(b"put")
    server.end()
    assert process.stdout.read() == b"output"
    assert process.wait(LIMIT) == 0


def signals():
    for number in (signal.SIGTERM, signal.SIGHUP):
        server, terminal = Server(), Terminal("console", "web1")
        server.accept(b"OK 0 rw\n")
        terminal.raw()
        terminal.process.send_signal(number)
        terminal.left(0)
        server.end()


def stuck():
    """Nobody reads what is printed; a signal ends it all the same."""
    server = Server()
    process = subprocess.Popen([FROE, "-q", "console", "web1"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    fill(server)
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT) == 0
    server.end()
    server, terminal = Server(), Terminal("-q", "console", "web1")
    fill(server)
    terminal.process.send_signal(signal.SIGHUP)
    terminal.left(0)


def fill(server):
    server.accept(b"OK 0 rw\n")
    server.client.settimeout(1)
    try:
        while True:
            server.client.sendall(b"x" * 4096)
    except TimeoutError:
        pass  # it takes no more


def create():
    server, terminal = Server(7), Terminal("-q", "create", "-c", "guest.cfg")
    assert server.accept(b"OK 0 rw\nBooting\r\n") == "froe-console 1 -"
    terminal.see(b"Booting\r\n")
    terminal.type(b"\x1d")
    terminal.left(0)


os.environ["FROE_FAKE_LATER"] = os.path.join(os.getcwd(), "later")
{"session": session, "escape": escape, "read-only": read_only, "refused": refused, "again": again,
 "ended": ended, "reboot": reboot, "pipe": pipe, "signal": signals, "stuck": stuck, "create": create}[sys.argv[1]]()
