# SPDX-License-Identifier: GPL-2.0-only
"""The store as python3-pyxs sees it, a client in pure Python that shares no code with ours.

usage: store_client.py SOCKET | store_client.py DEVICE    the daemon's socket, or the kernel's /dev/xen/xenbus
       store_client.py --files                    the files that this needs, for tests/system/add_python
"""
import sys

sys.path.append("/usr/lib/python3/dist-packages")
import pyxs


def values(c):
    c.write(b"/p/a", b"1")
    assert c.read(b"/p/a") == b"1"
    assert c.read(b"/p/none", b"x") == b"x"
    c.mkdir(b"/p/dir")
    assert sorted(c.list(b"/p")) == [b"a", b"dir"], c.list(b"/p")
    assert c.exists(b"/p/dir") and not c.exists(b"/p/no")
    c.set_perms(b"/p/a", [b"b0", b"r5"])
    assert c.get_perms(b"/p/a") == [b"b0", b"r5"]
    c.delete(b"/p/dir")
    assert not c.exists(b"/p/dir")


def domains(c):
    assert c.get_domain_path(7) == b"/local/domain/7"
    assert not c.is_domain_introduced(30000)


def transactions(c):
    c.transaction()
    c[b"/p/t"] = b"in"
    assert c.commit()
    assert c[b"/p/t"] == b"in"
    c.transaction()
    c[b"/p/t"] = b"never"
    c.rollback()
    assert c[b"/p/t"] == b"in"


def watches(c):
    with c.monitor() as m:
        m.watch(b"/p", b"token")
        events = m.wait()
        assert tuple(next(events)) == (b"/p", b"token")
        c.write(b"/p/a", b"2")
        assert tuple(next(events)) == (b"/p/a", b"token")
        m.unwatch(b"/p", b"token")


def main(where):
    kernel = where.startswith("/dev/")
    with pyxs.Client(**{"xen_bus_path" if kernel else "unix_socket_path": where}) as c:
        for part in values, domains, transactions:
            part(c)
        if not kernel:  # pyxs has no watches there
            watches(c)
        c.delete(b"/p")
    print("done")


if sys.argv[1] == "--files":
    print(*sorted({m.__file__ for m in sys.modules.values()
                   if getattr(m, "__file__", None) and m.__name__ != "__main__"}), sep="\n")
else:
    main(sys.argv[1])
