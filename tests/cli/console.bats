#!/usr/bin/env bats
# froe console: a terminal, and froed's socket, which a stand-in serves here.
load helpers

talk() {
	"$BATS_TEST_DIRNAME/console.py" "$@"
}

@test "console: options and errors" {
	usual console web1
	setup
	needs_guest console
	setup
	froe console 0
	[ "$status" -eq 10 ]
	froe console -n 1 web1
	[ "$status" -eq 10 ]
	froe console -t serial web1
	[ "$status" -eq 10 ]
	for bad in ab ^ab '' '^1'; do
		froe console -e "$bad" web1
		[ "$status" -eq 2 ]
	done
	froe console -n 0 -t pv web1
	[ "$status" -eq 12 ]
	[[ $stderr == "froe: console: web1: console: No such file or directory"*hint:* ]]
	froe --json console web1
	json 'j["errors"][0]["id"] == "unreachable"'
}

@test "console: past output, typing, and Ctrl-] that leaves; the terminal is as before" {
	talk session
}

@test "console -e: another key" {
	talk escape
}

@test "console: to look at only" {
	talk read-only
}

@test "console: what froed has against it is told" {
	talk refused
}

@test "console: froed comes back, and no byte is lost or seen twice" {
	talk again
}

@test "console: the guest ends" {
	talk ended
}

@test "console: the guest reboots, and its next life is on the same terminal" {
	talk reboot
}

@test "console: from a pipe into a pipe; no key leaves" {
	talk pipe
}

@test "console: a signal ends it while nobody reads what is printed" {
	talk stuck
}

@test "console: SIGTERM leaves the terminal as it was" {
	talk signal
}
