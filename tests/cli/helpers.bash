# SPDX-License-Identifier: GPL-2.0-only
# What the tests of froe's verbs share: a froe whose libctl has canned answers.

bats_require_minimum_version 1.5.0

setup() {
	top=$BATS_TEST_DIRNAME/../..
	froe=$top/build/tests/cli/bin/froe
	cd "$BATS_TEST_TMPDIR" || return
	unset FROE_FAKE_DURING_CREATE
	export FROE_FAKE=$PWD/fake FROE_FAKE_LOG=$PWD/log FROE_RUN_DIR=$PWD/run
	: >log
	mkdir -p run/guest run/console
	fake <<-'END'
		domain id=0 name=Domain-0 flags=r memory=1275068416 max=1275068416 vcpus=2 time=123456789012
		domain id=1 name=web1 uuid=01234567-89ab-cdef-0123-456789abcdef flags=b memory=536870912 max=536870912 vcpus=2 time=9049999999
		domain id=3 name=db uuid=11234567-89ab-cdef-0123-456789abcdef flags=p memory=268435456 claim=1048576 vcpus=1 time=1
	END
}

fake() {
	cat >fake
}

# Run froe: $status, $output and $stderr are what came of it. Signals mean what they mean to a
# command that somebody types, though these tests may run in the background of a script.
froe() {
	run --separate-stderr env --default-signal=INT,TERM,HUP "$froe" "$@"
	echo "froe $*: $status"
	echo "out: $output"
	echo "err: $stderr"
}

# The output is what stdin says, to the byte but for the last newline.
says() {
	diff -u - <(printf '%s\n' "$output")
}

# JSON on stdout; an expression about it, named j, that has to be true.
json() {
	python3 -c '
import json, sys
j = json.load(sys.stdin)
if "items" in j:
    assert j["schema"].startswith("froe/") and {"host", "items", "errors", "warnings"} <= j.keys()
sys.exit(0 if eval("(" + sys.argv[1] + ")") else f"not so: {sys.argv[1]}")' "$1" <<<"$output"
}

# The same of each line of stderr: an error.
json_errors() {
	[ -n "$stderr" ] || return
	while IFS= read -r line; do
		python3 -c 'import json, sys
assert json.loads(sys.argv[1]).keys() == {"item", "code", "id", "message", "hint"}' "$line" || return
	done <<<"$stderr"
}

log_is() {
	diff -u <((($#)) && printf '%s\n' "$@") <(grep -v '^list$' log)
}

guest_file() {
	cat >"${1:-guest.cfg}" <<-'END'
		name = "new"
		kernel = "/boot/vmlinuz"
		memory = 64
		uuid = "21234567-89ab-cdef-0123-456789abcdef"
	END
}

# The rules for options that every verb has.
usual() { # verb, arguments that it needs...
	local verb=$1
	shift
	froe "$verb" -h
	[ "$status" -eq 0 ] && [[ $output == "Usage: froe [-vqN] $verb"* ]] && [ -z "$stderr" ] || return
	froe "$verb" --help
	[ "$status" -eq 0 ] || return
	froe "$verb" "$@" --no-such-option
	[ "$status" -eq 2 ] && [ -z "$output" ] &&
		[[ $stderr == "froe: $verb: unknown option --no-such-option"* ]] || return
	froe --json "$verb" "$@" --no-such-option
	[ "$status" -eq 2 ] && json 'j["errors"][0]["code"] == 2' && json_errors || return
	froe "$verb" "$@" --no-such-option --json
	[ "$status" -eq 2 ] && json 'j["errors"][0]["code"] == 2' && json_errors || return
	froe "$verb" "$@" --format=wrong
	[ "$status" -eq 2 ] || return
	fake <<<"fail what=list code=12 id=unreachable error=no hypervisor"
}

# What a verb about one guest says without a hypervisor, and without that guest.
needs_guest() { # verb
	froe "$1"
	[ "$status" -eq 2 ] && [[ $stderr == "froe: $1: too few arguments"*"hint: froe $1 "* ]] || return
	froe "$1" nosuch
	[ "$status" -eq 10 ] && [ -z "$output" ] &&
		[[ $stderr == "froe: $1: no domain 'nosuch'"*hint:* ]] || return
	froe --json "$1" nosuch
	[ "$status" -eq 10 ] && json_errors &&
		json 'j["errors"][0]["id"] == "no-such-domain" and j["errors"][0]["item"] == "nosuch"' || return
	fake <<<"fail what=list code=12 id=unreachable error=no hypervisor"
	froe "$1" web1
	[ "$status" -eq 12 ] && [[ $stderr == "froe: $1: no hypervisor"* ]]
}
