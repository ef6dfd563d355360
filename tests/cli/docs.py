#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Holds the manual pages against what they are about; prints what is not so."""
import glob
import json
import os
import re
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
HIDDEN = {"restart-guest": "-k --keep -h --help"}


def text(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as f:
        return f.read()


def differ(what, one, other, where):
    bad = [f"{what} {x}: not in {where[1]}" for x in sorted(one - other)]
    bad += [f"{what} {x}: not in {where[0]}" for x in sorted(other - one)]
    return bad if one else [f"no {what} found"]


def verbs():
    """Verb -> its options, from the program."""
    table = {i["name"]: i["options"] for i in json.load(sys.stdin)["items"]} | HIDDEN
    return {name: set(options.split()) - {"-h", "--help"} for name, options in table.items()}


def manual():
    """Verb -> the options of its entry in froe(8)."""
    found, verb = {}, None
    section = text("man/froe.8").split(".Ss Commands\n")[1].split(".Ss JSON\n")[0]
    for line in section.split("\n"):
        entry = re.match(r"\.It Cm ([\w-]+)", line)
        options = re.match(r"\.It (Fl .*)", line)
        if entry:
            verb = entry.group(1)
            found[verb] = set()
        elif options:
            for word in options.group(1).split(" "):
                if word[0] == "-":
                    found[verb].add("-" + word)
                elif re.fullmatch(r"[a-zA-Z]", word):
                    found[verb].add("-" + word)
    return found


def check_verbs():
    names = set(verbs())
    files = {os.path.basename(n)[:-5] for n in glob.glob(TOP + "/tests/cli/*.bats")} - {"docs"}
    source = {os.path.basename(n)[4:-2].replace("_", "-") for n in glob.glob(TOP + "/cli/cmd_*.c")}
    return (differ("verb", names, set(manual()), ("froe help", "froe(8)")) +
            differ("verb", names, files, ("froe help", "tests/cli")) +
            differ("verb", names, source, ("froe help", "cli/")))


def check_options():
    program, page = verbs(), manual()
    bad = [] if sum(len(o) for o in program.values()) > 20 else ["hardly any options found"]
    for verb in program.keys() & page.keys():
        if program[verb] or page[verb]:
            bad += differ(f"{verb}: option", program[verb], page[verb], ("froe", "froe(8)"))
    return bad


def check_keys():
    rows = set(re.findall(r"^ROW\((\w+),", text("libctl/config_rows.h"), re.M))
    page = text("man/froe.cfg.5").split(".Sh KEYS\n")[1].split(".Sh FILES\n")[0]
    named = set()
    for line in re.findall(r"^\.It (Cm .+)$|^(Cm .+)$|^\.(Cm \w+ [,.])$", page, re.M):
        line = "".join(line)
        line = re.sub(r"Ns = Ns \S+( \S+)*? ?(?=, Cm|$)", "", line)
        named |= {w for w in re.split(r"[ ,.]+", line) if re.fullmatch(r"[a-z]\w+", w)}
    words = {"destroy", "restart", "preserve", "create"}  # also actions and a command
    bad = [f"key {k}: not in froe.cfg(5)" for k in sorted(rows - named)]
    bad += [f"{k}: in froe.cfg(5), and no key" for k in sorted(named - rows - words)]
    return bad if rows else ["no keys found"]


def check_codes():
    header = text("libctl/froe.h").split("enum froe_code {")[1].split("};")[0]
    codes = set(re.findall(r"= (\d+),", header)) | {"18", "130"}
    page = text("man/froe.8").split(".Sh EXIT STATUS\n")[1].split(".Sh EXAMPLES\n")[0]
    bad = differ("exit status", codes, set(re.findall(r"^\.It (\d+)$", page, re.M)),
                 ("froe.h", "froe(8)"))
    names = dict(re.findall(r"(FROE_\w+) = (\d+),", header))
    table = text("cli/output.c").split("priority[] = {")[1].split("};")[0]
    order = [names[n] for n in re.findall(r"FROE_\w+", table)]
    told = re.search(r"that happened: ([\d,\s]+)\.", page).group(1)
    if re.findall(r"\d+", told) != order:
        bad.append(f"froe(8) has another order of exit status than {order}")
    return bad


def examples(folder):
    """Write each guest file that a document shows into the folder."""
    count = 0
    for page in ("man/froe.cfg.5", "man/froe.8", "README.md"):
        for block in re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed|^```\w*\n(.*?)^```|\n\n((?:    [^\n]*\n)+)",
                                text(page), re.M | re.S):
            block = "".join(block)
            if re.search(r"^\s*kernel\s*= ", block, re.M):
                count += 1
                with open(f"{folder}/example{count}.cfg", "w", encoding="utf-8") as f:
                    f.write(block)
    return [] if count >= 3 else [f"only {count} examples found"]


def check_messages():
    said = sys.stdin.read()
    page = text("man/froe.cfg.5").split(".Sh DIAGNOSTICS\n")[1]
    messages = re.findall(r"^\.It Li (.+)$", page, re.M)
    return [f"not said: {m}" for m in messages if m not in said.split("\n")] if messages else ["none"]


faults = {"verbs": check_verbs, "options": check_options, "keys": check_keys, "codes": check_codes,
          "examples": lambda: examples(sys.argv[2]), "messages": check_messages}[sys.argv[1]]()
print("\n".join(faults))
sys.exit(bool(faults))
