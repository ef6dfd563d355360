#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Many guests and bad ones: each ends with one clear line, and nothing is left.
#
# run 2-cpus: --smp 2 --no-net --no-disk
# before: "$here/add_python" overlay
load guests

setup_file() {
	# What is taken once and kept: programs in memory, heaps that have grown.
	tiny idle first
	froe destroy first
}

setup() {
	alone
}

teardown() {
	destroy_all
}

only_one() {
	[ "$(froe list | wc -l)" = 2 ]
}

# A guest that has been destroyed is in the list until froed has let go of its pages.
alone() {
	wait_for 20 only_one
}

# froed has seen the end of everybody who has asked it something.
no_clients() {
	! grep -qE '^[^:]*: ([^ ]+ ){4}0*3 +[0-9]+ /run/(xenstored|froe)/' /proc/net/unix
}

# Everything that guests could leave behind, in one text.
inventory() {
	free_pages
	xenstore-ls -f /
	ls -R /run/froe/guest /run/froe/console /run/froe/lock
	wait_for 10 no_clients
	ls "/proc/$(</run/froe/froed.pid)/fd" | wc -l
}

nothing_left() {
	inventory >/tmp/after
	cmp -s /tmp/before /tmp/after
}

# What is there while nothing changes: the last guest's memory is free a moment after it has gone.
take_stock() {
	inventory >/tmp/before
	until nothing_left; do
		mv /tmp/after /tmp/before
	done
}

same_as_before() {
	wait_for 20 nothing_left || diff /tmp/before /tmp/after
}

# What the control domain has in use. What is free wavers by megabytes with the kernel's caches.
used_kib() {
	awk '/^(AnonPages|Shmem|Slab|PageTables|KernelStack|Percpu):/ { n += $2 } END { print n }' \
		/proc/meminfo
}

# What froed has allocated.
froed_kib() {
	awk '$1 == "RssAnon:" { print $2 }' "/proc/$(</run/froe/froed.pid)/status"
}

# the_line REGEX: since the message ring was cleared, one such line and no crash besides.
the_line() {
	froe dmesg >/tmp/ring
	[ "$(grep -cE "^froe: d[0-9]+: " /tmp/ring)" = 1 ] && grep -E "$1" /tmp/ring
}

@test "guests created and destroyed over and over leave nothing" {
	take_stock
	memory=$(used_kib)
	cycles=$(($(option froe.scale) > 1 ? 1000 : 50))
	for ((i = 0; i < cycles; i++)); do
		tiny idle again
		froe destroy again
		((i != cycles / 2)) || froed=$(froed_kib)
	done
	same_as_before
	# Its heap touches some 24 KiB more within the first 300, and stays so.
	echo "froed: $froed KiB after half of $cycles, $(froed_kib) KiB in the end"
	[ "$(froed_kib)" -le $((froed + 16)) ]
	echo "in use: $memory KiB before, $(used_kib) KiB after"
	[ "$(used_kib)" -lt $((memory + 2048)) ]
}

@test "sixteen at once, created and destroyed in parallel" {
	take_stock
	for i in {1..16}; do
		tiny idle "p$i" 3>&- &
	done
	wait
	[ "$(froe list | grep -c '^p')" = 16 ]
	[ "$(froe list | awk 'NR > 1 { print $2 }' | sort -u | wc -l)" = 17 ]
	for i in {1..16}; do
		froe destroy "p$i" 3>&- &
	done
	wait
	alone
	same_as_before
}

@test "one that spins holds up nobody" {
	tiny spin busy vcpus=4
	wait_for 10 state_is busy r-----
	tiny idle calm
	wait_for 10 state_is calm -b----
	froe destroy busy
	froe destroy calm
	alone
}

@test "a triple fault is the guest's end: one line, kept when its file says so" {
	froe dmesg -c >/dev/null
	tiny triple faulty "on_crash='preserve'"
	wait_for 10 state_is faulty ---sc-
	the_line 'crashed: .*triple fault'
	froe destroy faulty
	alone
}

@test "a triple fault without a word about it: destroyed" {
	tiny triple faulty
	wait_for 20 gone faulty
	alone
}

@test "rename-restart: each that crashes stays under another name, and the guest goes on" {
	take_stock
	tiny triple twice "on_crash='rename-restart'"
	wait_for 40 eval '[ "$(froe list | grep -cE "^twice-[0-9]{8}T[0-9]{4}Z.* ---sc-")" = 5 ]'
	wait_for 10 state_is twice ---sc-
	froe list -v
	[ "$(froe list -v | awk 'NR > 2 { print $1 }' | sort -u | wc -l)" = 6 ]
	[ "$(froe list -v | awk 'NR > 2 { print $7 }' | sort -u | wc -l)" = 6 ]
	aside=$(froe list | awk '$1 ~ /^twice-/ { print $1; exit }')
	froe list -l "$aside" | grep -qF "\"name\": \"$aside\""
	destroy_all
	alone
	xenstore-rm /tool/froed
	same_as_before
}

@test "halted for good with interrupts off is powered off" {
	froe dmesg -c >/dev/null
	tiny halt over
	wait_for 20 gone over
	the_line 'power-off'
}

@test "halted for good, preserved" {
	tiny halt over "on_poweroff='preserve'"
	wait_for 10 state_is over ---s--
	froe destroy over
	alone
}

# The usual emulator loses its CPU by that, so the write is refused there (hypervisor/README.md).
@test "long mode asked for before PAE: at worst the guest's own end" {
	tiny early early "on_crash='preserve'"
	early() { [[ $(state early) == ---sc- || $(state early) == r----- ]]; }
	wait_for 10 early
	tiny idle calm
	wait_for 10 state_is calm -b----
	froe destroy early
	froe destroy calm
	alone
}

@test "a name in use: 11, and the first one goes on" {
	tiny idle twin
	run tiny idle twin
	echo "$output"
	[ "$status" = 11 ]
	[ "$(froe list | grep -c '^twin')" = 1 ]
}

@test "two creates of one name at once: one wins" {
	tiny idle race 3>&- & first=$!
	tiny idle race 3>&- & second=$!
	won=0
	wait "$first" && won=$((won + 1))
	wait "$second" && won=$((won + 1))
	[ "$won" = 1 ]
	[ "$(froe list | grep -c '^race')" = 1 ]
}

@test "not enough memory: 14, said before anything is built" {
	take_stock
	run tiny idle huge memory=1000000
	echo "$output"
	[ "$status" = 14 ]
	[[ $output == *MiB* ]]
	same_as_before
}

@test "eight at once, and memory for three: the others are told so, and nothing of them is left" {
	take_stock
	most=$((($(froe info free_memory) - 60) / 3))
	for i in {1..8}; do
		(tiny idle "m$i" memory=$most 2>"/tmp/said$i" && echo 0 || echo $?) 3>&- >"/tmp/status$i" &
	done
	wait
	froe list
	tail /tmp/status* /tmp/said*
	[ "$(froe list | grep -c '^m[1-8] ')" = 3 ]
	[ "$(cat /tmp/status* | grep -cx 0)" = 3 ]
	[ "$(cat /tmp/status* | grep -cx 14)" = 5 ]
	[ "$(cat /tmp/said* | grep -c '^froe: create: m[1-8]: needs')" = 5 ]
	destroy_all
	alone
	same_as_before
}

@test "a kernel that is not there, not a kernel, cut short: 3, and what to do" {
	take_stock
	head -c 100 "$kernels/idle" >/tmp/short
	for kernel in /nowhere /etc/hostname /tmp/short; do
		run tiny idle broken "kernel='$kernel'"
		echo "$status: $output"
		[ "$status" = 3 ]
		[[ $output == *"$kernel"* ]]
	done
	same_as_before
}

@test "paused at its creation: it starts when it is told to" {
	tiny -p halt later "on_poweroff='preserve'"
	state_is later --p---
	froe unpause later
	wait_for 10 state_is later ---s--
}

@test "grants by the stock kernel's devices: mapped, copied, unmapped, given in turn" {
	take_stock
	tiny granter giver memory=32
	"$kernels/grants" "$(froe domid giver)"
	froe destroy giver
	alone
	same_as_before
}

@test "the store as a client in pure Python sees it, by froed's socket and by the kernel" {
	tiny idle seen
	for way in /run/xenstored/socket /dev/xen/xenbus; do
		[ "$(python/run store_client.py $way)" = 'done' ]
	done
}

# hostile N: a guest that misbehaves in this way (kernels/hostile.c) while others come and go.
hostile() {
	take_stock
	began=$SECONDS
	froe dmesg -c >/dev/null
	tiny hostile wild memory=32 "cmdline='do=$1'"
	wait_for 10 state_is wild r-----
	for i in 1 2 3; do
		tiny idle "calm$i"
		xenstore-read "/local/domain/$(froe domid "calm$i")/name"
		froe destroy "calm$i"
	done
	[ "$(froe domid wild)" ]
	froe destroy wild
	alone
	# A burst of lines, then two a second and as many that say how many were left out.
	[ "$(froe dmesg | wc -l)" -lt $((60 + 4 * (SECONDS - began))) ]
	same_as_before
}

@test "hostile: floods its console" {
	hostile 0
	[ "$(du -ck /var/log/froe/guest-wild.log* | awk 'END { print $1 }')" -le 4096 ]
}

@test "hostile: console ring with impossible indices" {
	hostile 1
}

@test "hostile: store ring with impossible indices" {
	hostile 2
}

@test "hostile: fills the store" {
	hostile 3
}

@test "hostile: fills the store and takes no answer" {
	hostile 4
}

@test "hostile: a frame longer than any" {
	hostile 5
}

@test "hostile: a storm of events on all the ports that it can get" {
	hostile 6
}

@test "hostile: shouts at the hypervisor's console" {
	hostile 7
}

@test "the hypervisor has found nothing wrong" {
	froe dmesg >/tmp/ring
	! grep -iE 'panic|BUG|check:' /tmp/ring || return 1
}
