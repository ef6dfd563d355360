#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Drives image/run on a pseudo-terminal: a shell, job control, the way out."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time


def expect(fd, pattern, seconds=900):
    seen, end = b"", time.monotonic() + seconds
    while not re.search(pattern, seen):
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit("no %r in %r" % (pattern, seen))
        seen += os.read(fd, 4096)
        sys.stdout.flush()
    return seen


def check(terminal, before):
    if termios.tcgetattr(terminal) != before:
        sys.exit("the terminal is not as it was")


def main():
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    before = termios.tcgetattr(theirs)
    child = os.fork()
    if not child:
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(theirs, fd)
        args = sys.argv[1:] or ["--native", "--append", "quiet"]
        os.execv("image/run", ["image/run"] + args)
    expect(mine, rb"froe:~# ")
    os.write(mine, b"stty size; tty\r")
    expect(mine, rb"33 99\r\n/dev/(ttyS0|hvc0)\r\n")
    os.write(mine, b"sh -c 'echo star\"\"ted; exec sleep 1000'\r")
    expect(mine, rb"started\r\n")
    os.write(mine, b"\x1a")
    expect(mine, rb"Stopped .*\n.*froe:~# ")
    os.write(mine, b"fg\r")
    expect(mine, rb"exec sleep 1000'\r\n")
    os.write(mine, b"\x03")
    expect(mine, rb"froe:~# ")
    os.kill(child, signal.SIGTSTP)
    os.waitpid(child, os.WUNTRACED)
    check(theirs, before)
    os.kill(child, signal.SIGCONT)
    end = time.monotonic() + 300
    while termios.tcgetattr(theirs)[3] & termios.ICANON:
        if time.monotonic() > end:
            sys.exit("not raw again")
        time.sleep(0.05)
    os.write(mine, b"poweroff\r")
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit("status %d" % os.waitstatus_to_exitcode(status))
    check(theirs, before)


if __name__ == "__main__":
    main()
