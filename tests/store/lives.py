# SPDX-License-Identifier: GPL-2.0-only
"""Guests that end: who is told, what is tidied, what is started."""
from client import *
from protocol import daemon, equal

POWEROFF, REBOOT, SUSPEND, CRASH, WATCHDOG, SOFT_RESET = map(str, range(6))

# In place of froe: says what it was asked, and waits while there is a file "hold".
FROE = """#!/bin/sh
echo "$*" >>"$FROED_TEST_DIR/calls"
while [ -e "$FROED_TEST_DIR/hold" ]; do sleep 0.01; done
echo "this is said"
exit "$(cat "$FROED_TEST_DIR/status" 2>/dev/null || echo 0)"
"""


def start(d):
    os.mkdir(d.dir + "/bin")
    with open(d.dir + "/bin/froe", "w", encoding="ascii") as f:
        f.write(FROE)
    os.chmod(d.dir + "/bin/froe", 0o755)
    c = d.client()
    c.ask(WATCH, strings("@releaseDomain", "r"))
    c.quiet()
    return c


def calls(d):
    try:
        with open(d.dir + "/calls", encoding="ascii") as f:
            return f.read().splitlines()
    except OSError:
        return []


def wait_calls(d, count):
    end = time.monotonic() + DEADLINE
    while len(calls(d)) < count:
        if time.monotonic() > end:
            raise Failure(f"only {calls(d)}: {d.log()[-500:]}")
        time.sleep(0.005)
    return calls(d)


def ended(d, domid, reason):
    d.domains[domid] = ("-", reason)
    d.deaths()


def gone(d, domid):
    d.domains[domid] = ("dying", d.domains[domid][1])
    d.deaths()
    del d.domains[domid]
    d.deaths()


def test_actions():
    """Each reason with what it means when the guest's file says nothing, and when it does."""
    with daemon(store_only=False) as d:
        c = start(d)
        domid, want = 10, []
        for reason, key, otherwise in ((POWEROFF, "on_poweroff", "destroy"), (REBOOT, "on_reboot", "restart-guest"),
                                       (CRASH, "on_crash", "destroy"), (WATCHDOG, "on_watchdog", "destroy"),
                                       (SOFT_RESET, "on_soft_reset", None), (SUSPEND, "on_poweroff", None)):
            for word, verb in ((None, otherwise), ("destroy", "destroy"), ("restart", "restart-guest"),
                               ("preserve", None), ("rename-restart", "restart-guest"),
                               ("coredump-destroy", None), ("soft-reset", None), ("nonsense", None)):
                d.guest(domid, f"g{domid}")
                if word:
                    c.write(f"/vm/u{domid}/{key}", word)
                ended(d, domid, reason)
                equal(c.event(), ("@releaseDomain", "r"))
                if verb and reason != SUSPEND:
                    want.append(f"{verb} {domid}{' --keep' if word == 'rename-restart' else ''}")
                equal(sorted(wait_calls(d, len(want))), sorted(want), f"{reason}, {key}={word}")
                domid += 1
        d.wait_log('on_crash="coredump-destroy" is not supported, it stays')
        d.wait_log("destroy 10: this is said")
        d.deaths()
        c.quiet()
        equal(len(calls(d)), len(want), "and only once")


def test_tidy():
    """A domain that is gone leaves nothing, whether a tool tidied or not."""
    with daemon(store_only=False) as d:
        c = start(d)
        c.write("/froe/guest/6", "/froe/name/db")
        c.write("/froe/name/db", "6")
        before = c.tree("/")
        for tool_tidies in (False, True):
            g = d.guest(5, "web")
            c.write("/froe/guest/5", "/froe/name/web")
            c.write("/froe/name/web", "5")
            c.write("/local/domain/5/data", "")
            c.perms("/local/domain/5/data", "n5")
            g.write("data/own", "x")
            c.write("/shared", "")
            c.perms("/shared", "n0", "r5", "b6")
            c.write("/given", "")
            c.perms("/given", "n5")
            if tool_tidies:
                c.ask(RM, strings("/local/domain/5"))
                c.ask(RM, strings("/vm/u5"))
                c.ask(RELEASE, b"5\0")
                c.event()
            os.makedirs(d.dir + "/guest", exist_ok=True)
            with open(d.dir + "/guest/5.cfg", "w", encoding="ascii"):
                pass
            gone(d, 5)
            equal(c.event(), ("@releaseDomain", "r"))
            d.deaths()
            while "5" in c.ls("/local/domain") or "given" in c.ls("/"):
                c.event(0.05)
            equal(c.perms("/shared"), ["n0", "b6"], "its number is in no permission")
            c.ask(RM, strings("/shared"))
            equal(c.tree("/"), before)
            equal(os.listdir(d.dir + "/guest") + os.listdir(d.dir + "/console"), [])
            equal(c.ask(IS_DOMAIN_INTRODUCED, b"5\0"), b"F\0")
            c.quiet()


def test_same_vm():
    """What belongs to the guest's next life stays when the last one goes."""
    with daemon(store_only=False) as d:
        c = start(d)
        d.guest(5, "web")
        d.guest(6, "web")
        c.write("/local/domain/6/vm", "/vm/u5")
        c.write("/froe/guest/5", "/froe/name/web")
        c.write("/froe/name/web", "6")
        gone(d, 5)
        while "5" in c.ls("/local/domain"):
            c.event(0.05)
        equal(c.read("/vm/u5/name"), "web")
        equal(c.read("/froe/name/web"), "6")
        equal(c.ls("/froe/guest"), [])


def test_restart_while_ended():
    """A froed that was not there when the guest ended does what is to be done, once."""
    with daemon(store_only=False) as d:
        start(d)
        d.guest(5, "web")
        d.guest(6, "other")
        d.kill()
        ended(d, 5, POWEROFF)
        del d.domains[6]
        d.show_domains()
        d.start()
        equal(wait_calls(d, 1), ["destroy 5"])
        equal(d.client().ls("/local/domain"), ["0", "5"], "one had gone")
        equal(d.client().ls("/vm"), ["u5"])
        equal(sorted(os.listdir(d.dir + "/console")), ["5", "5.past"], "it left nothing")


def test_worker_outlives():
    """A worker that is at it is left alone by the next froed."""
    with daemon(store_only=False) as d:
        start(d)
        d.guest(5, "web")
        with open(d.dir + "/hold", "w", encoding="ascii"):
            pass
        ended(d, 5, REBOOT)
        equal(wait_calls(d, 1), ["restart-guest 5"])
        d.restart()
        d.client().read("/tool")
        time.sleep(1.2)  # a froed that did not see the lock would have begun by now
        equal(calls(d), ["restart-guest 5"])
        del d.domains[5]
        d.deaths()
        os.unlink(d.dir + "/hold")
        c = d.client()
        while "5" in c.ls("/local/domain"):
            time.sleep(0.005)
        equal([f for f in os.listdir(d.dir) if f.startswith("worker")], [])


def test_failing_worker():
    with daemon(store_only=False) as d:
        c = start(d)
        d.guest(5, "web")
        with open(d.dir + "/status", "w", encoding="ascii") as f:
            f.write("3")
        ended(d, 5, POWEROFF)
        d.wait_log("froe destroy 5: failed with status 3; the guest stays as it is")
        equal(c.read("/local/domain/5/name"), "web")
        os.unlink(d.dir + "/bin/froe")
        os.symlink("froe", d.dir + "/bin/froe")  # nothing that can be started
        d.guest(6, "more")
        ended(d, 6, POWEROFF)
        d.wait_log("froe destroy 6: failed with status 127")


def test_endless_reboots():
    """A guest that does nothing but reboot: once a second, and after five quick ones no more."""
    with daemon(store_only=False) as d:
        c = start(d)
        began = time.monotonic()
        for life in range(7):
            domid = 10 + life
            d.guest(domid, "loop")
            c.write(f"/local/domain/{domid}/vm", "/vm/loop")
            ended(d, domid, REBOOT)
            if life == 3:
                d.wait_log(f"domain {domid}: reboots: restart")
                d.restart()
                c = d.client()
            if life < 5:
                wait_calls(d, life + 1)
                gone(d, domid)
            else:
                d.wait_log("it stays")
                break
        took = time.monotonic() - began
        if took < 4:
            raise Failure(f"{len(calls(d))} restarts in {took:.1f} s")
        equal(calls(d), [f"restart-guest {10 + i}" for i in range(len(calls(d)))])
