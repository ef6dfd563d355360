# SPDX-License-Identifier: GPL-2.0-only
"""One hypervisor in QEMU, its console read line by line, and small kernels for it to start."""
import os
import selectors
import struct
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build")
FROE = os.path.join(BUILD, "froe")
DEADLINE = float(os.environ.get("DEADLINE", 300))
KERNEL_AT = 0x1000000


def elf(code=b"\xf4\xeb\xfd", note=True, entry=KERNEL_AT, at=KERNEL_AT, size=0x1000, machine=62,
        kind=b"\2\1\1"):
    """A kernel of one segment (as it stands: CLI state, halts), with the note of its 32-bit entry."""
    code = code.ljust(0x1000, b"\0")
    notes = struct.pack("<3I4sQ", 4, 8, 18, b"Xen\0", entry) if note else b""
    head = 64 + 2 * 56
    load = struct.pack("<2I6Q", 1, 5, 0x1000, at, at, len(code), size, 0x1000)
    pt_note = struct.pack("<2I6Q", 4, 4, head, 0, 0, len(notes), len(notes), 4)
    ident = (b"\x7fELF" + kind).ljust(16, b"\0")
    header = ident + struct.pack("<2HI3QI6H", 2, machine, 1, entry, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    return (header + load + pt_note + notes).ljust(0x1000, b"\0") + code


class Failed(Exception):
    """The machine did not do what it should."""


class Machine:
    """QEMU, from start to the end of the `with` block; everything it prints goes to the log."""

    def __init__(self, log, append="", modules=(), machine="q35", cpu="max,-la57", mem="256M",
                 smp=1, extra=(), pass_fds=()):
        initrd = ",".join((path + " " + args).replace(",", ",,") for path, args in modules)
        argv = ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot",
                "-machine", machine, "-cpu", cpu, "-m", mem, "-smp", str(smp),
                "-serial", "stdio", "-kernel", FROE,
                "-append", ("console=com1 " + append).strip()]
        self.argv = argv + (["-initrd", initrd] if modules else []) + list(extra)
        self.pass_fds = pass_fds
        self.log = log
        self.text = b""

    def __enter__(self):
        self.end = time.monotonic() + DEADLINE
        self.qemu = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, pass_fds=self.pass_fds)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.qemu.stdout, selectors.EVENT_READ)
        return self

    def __exit__(self, *_):
        self.qemu.kill()
        self.qemu.wait()

    def line(self):
        """The next line of the console, None at its end; Failed when the time is up."""
        while b"\n" not in self.text:
            if not self.selector.select(max(0, self.end - time.monotonic())):
                raise Failed("no end within %g seconds" % DEADLINE)
            piece = os.read(self.qemu.stdout.fileno(), 4096)
            if not piece:
                return None
            self.log.write(piece)
            self.text += piece
        line, self.text = self.text.split(b"\n", 1)
        return line.decode(errors="replace").rstrip("\r")

    def wait(self, start):
        """Up to the line that begins so."""
        while (line := self.line()) is not None:
            if line.startswith(start):
                return
        raise Failed("QEMU ended before: " + start)


def run_cases(suite, cases, chosen):
    """Each case has a name and run(log), which raises Failed. Returns the exit status."""
    work = os.path.join(BUILD, "tests", suite)
    cases = [c for c in cases if not chosen or c.name in chosen]
    os.makedirs(work, exist_ok=True)
    failed = 0
    for case in cases:
        sys.stdout.flush()
        begin = time.monotonic()
        path = os.path.join(work, case.name)
        try:
            with open(path + ".log", "wb") as log:
                case.run(path, log)
            print("ok %s/%s (%d ms)" % (suite, case.name, 1000 * (time.monotonic() - begin)))
        except (Failed, OSError) as wrong:
            failed += 1
            print("not ok %s/%s: %s" % (suite, case.name, wrong))
            with open(path + ".log", errors="replace") as log:
                print("".join("    " + line for line in log.readlines()[-40:]), end="")
    print("%d passed, %d failed" % (len(cases) - failed, failed), flush=True)
    return 1 if failed or not cases else 0
