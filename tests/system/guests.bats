#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Guests with the stock kernel, from their file to their end.
#
# run 1-cpu: --smp 1 --guests --no-net
# run 2-cpus: --smp 2 --guests --no-net --no-disk
load guests

setup_file() {
	wait_for 10 xenstore-exists /local/domain/0
}

teardown() {
	destroy_all
}

@test "the stock kernel comes to its shell, takes what is typed, powers off and is gone" {
	guest shell
	open_console shell
	screen '^guest: a shell' 120
	type_line 'echo "it has $(nproc) CPU, $(cat /sys/hypervisor/type)"'
	screen '^it has 1 CPU, xen' 30
	type_line poweroff
	wait_for 60 gone shell
	wait "$console"
	[ -z "$(xenstore-list /vm 2>/dev/null)" ]
}

@test "two guests, one with more vCPUs than the machine has CPUs" {
	guest one
	guest many "vcpus=$(($(nproc) + 1))" memory=160
	for name in one many; do
		open_console "$name"
		screen '^guest: a shell' 120
		type_line 'echo "CPUs: $(nproc)."'
		screen '^CPUs: [0-9]+\.' 30
		close_console
	done
	grep -q "^CPUs: $(($(nproc) + 1))\." /tmp/screen
	froe list
	[ "$(froe list | awk '$1 == "many" { print $4 }')" = "$(($(nproc) + 1))" ]
	[ "$(froe vcpu-list many | wc -l)" = "$(($(nproc) + 2))" ]
}

@test "what the console showed before anybody looked is there" {
	guest early
	wait_for 120 grep -qs '^guest: a shell' /var/log/froe/guest-early.log
	open_console early
	screen '^guest: a shell' 10
	close_console
}

@test "shutdown: asked through the store, waited for" {
	guest polite
	open_console polite
	screen '^guest: a shell' 120
	close_console
	run timeout 500 froe shutdown -w polite
	[ "$status" = 0 ]
	wait_for 20 gone polite
}

@test "reboot: the same guest again, with a new id" {
	guest again
	open_console again
	screen '^guest: a shell' 120
	close_console
	before=$(froe domid again)
	uuid=$(froe list -v again | awk 'NR == 2 { print $7 }')
	rm -f /tmp/over /tmp/looks
	until [ -e /tmp/over ]; do
		froe list again 2>&1 | awk 'NR > 1 { print $1, $5 }'
	done >/tmp/looks 3>&- &
	looker=$!
	froe reboot again
	# The new one has its name a moment before froed has its console.
	renewed() {
		now=$(froe domid again 2>/dev/null) && [ "$now" != "$before" ] &&
			[ -S "/run/froe/console/$now" ]
	}
	wait_for 100 renewed
	touch /tmp/over
	wait "$looker"
	sort /tmp/looks | uniq -c
	grep -qx 'again ---sr-' /tmp/looks
	! grep -vE '^again [-rbps]{5}-$' /tmp/looks || return 1
	open_console again
	screen '^guest: a shell' 120
	close_console
	[ "$(froe list -v again | awk 'NR == 2 { print $7 }')" = "$uuid" ]
}

@test "paused: it does not run; unpaused: it goes on" {
	guest still
	open_console still
	screen '^guest: a shell' 120
	froe pause still
	[[ $(state still) =~ ^-[b-]p---$ ]]
	before=$(froe vcpu-list still | awk 'NR == 2 { print $6 }')
	type_line 'echo "I go $((40 + 2))"'
	sleep 1
	[ "$(froe vcpu-list still | awk 'NR == 2 { print $6 }')" = "$before" ]
	! grep -q 'I go 42' /tmp/screen || return 1
	froe unpause still
	screen 'I go 42' 30
	close_console
}

@test "a guest that never stops talking holds up nobody, and its log stays small" {
	guest loud
	open_console loud
	screen '^guest: a shell' 120
	type_line 'while :; do echo 0123456789abcdefghijklmnopqrstuvwxyz0123456789; done'
	screen 'xyz0123456789' 60
	close_console
	guest quiet
	open_console quiet
	screen '^guest: a shell' 180
	close_console
	[ "$(du -ck /var/log/froe/guest-loud.log* | awk 'END { print $1 }')" -le 4096 ]
}

@test "the store as independent clients see it" {
	guest seen
	id=$(froe domid seen)
	[ "$(xenstore-read "/local/domain/$id/name")" = seen ]
	[ "$(xenstore-read "/local/domain/$id/domid")" = "$id" ]
	xenstore-ls "/local/domain/$id" | grep -q 'ring-ref'
	wait_for 100 xenstore-exists "/local/domain/$id/control/feature-poweroff"
}

@test "the daemon killed and started again: the guest notices nothing" {
	guest steady
	open_console steady
	screen '^guest: a shell' 120
	close_console
	xenstore-write /tool/mine kept
	pid=$(</run/froe/froed.pid)
	kill -9 "$pid"
	# Its lock is gone with it, and not before.
	wait_for 10 [ ! -e "/proc/$pid" ]
	froed 3>&-
	[ "$(xenstore-read /tool/mine)" = kept ]
	xenstore-rm /tool/mine
	open_console steady
	type_line 'echo "still $((6 * 7)) here"'
	screen '^still 42 here' 30
	close_console
	run timeout 500 froe shutdown -w steady
	[ "$status" = 0 ]
	wait_for 20 gone steady
}

@test "CPUs as the file says" {
	last=$(($(nproc) - 1))
	tiny spin placed vcpus=2 "cpus='$last'" cpu_weight=512 cap=50
	froe vcpu-list placed >/tmp/placed
	cat /tmp/placed
	[ "$(awk 'NR > 1 { print $7 }' /tmp/placed | sort -u)" = "$( ((last)) && echo "$last" || echo all)" ]
	[ "$(awk 'NR == 2 { print $4 }' /tmp/placed)" = "$last" ]
}
