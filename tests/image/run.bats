#!/usr/bin/env bats
# How image/run tells the end of a system, what it leaves behind, and what is in
# the image. No hypervisor is needed: --native, or a stand-in that prints a line.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	unset TERM
	export FROE_RUN=$BATS_TEST_TMPDIR/run
	mkdir "$FROE_RUN"
}

# Waits until a command succeeds; a net of five minutes, for a busy machine.
soon() {
	local end=$((SECONDS + 300))
	until "$@"; do
		((SECONDS < end)) || return
		sleep 0.05
	done
}

# Builds the stand-in: mini LINE END
mini() {
	printf '#define LINE "%s\\r\\n"\n#define END %s\n' "$1" "$2" >"$BATS_TEST_TMPDIR/mini.h"
	gcc -m32 -nostdlib -static -no-pie -Wl,--build-id=none,-Ttext=0x100000 \
		-include "$BATS_TEST_TMPDIR/mini.h" -o "$BATS_TEST_TMPDIR/mini" tests/image/mini.S
	stand_in=(image/run --froe "$BATS_TEST_TMPDIR/mini" --timeout 900)
}

script() {
	printf '#!/bin/bash\n%s\n' "$1" >"$BATS_TEST_TMPDIR/script"
	native=(image/run --native --append quiet --timeout 900 --script "$BATS_TEST_TMPDIR/script")
}

# Status is $1 and nothing of QEMU or of the run folder is left.
ended() {
	[ "$status" = "$1" ] || tail -n 20 <<<"status $status, wanted $1: $output"
	[ "$status" = "$1" ] || return
	[ -z "$(ls "$FROE_RUN")" ]
}

@test "a script that succeeds: 0" {
	script 'echo it ran; test -b /dev/vda; ! test -e /sys/hypervisor/type'
	run "${native[@]}" </dev/null
	ended 0
	[[ $output == *'it ran'* ]]
}

@test "a script that fails: 6" {
	script 'exit 9'
	run "${native[@]}" </dev/null
	ended 6
	[[ $output == *'run: exit 9'* ]]
}

@test "a script that powers off and never ends: 6" {
	script 'poweroff'
	run "${native[@]}" </dev/null
	ended 6
}

@test "reboot: 2" {
	script 'reboot'
	run "${native[@]}" </dev/null
	ended 2
}

@test "no end in time: 4" {
	script 'sleep 1000'
	run "${native[@]}" --timeout 3 </dev/null
	ended 4
}

@test "the hypervisor stops: 3" {
	mini 'froe: stopped: no SVM' 0
	run "${stand_in[@]}" </dev/null
	ended 3
	[[ $output == *'froe: stopped: no SVM'* ]]
}

@test "through GRUB, on BIOS and on UEFI" {
	mini 'froe: stopped: GRUB came here' 0
	for firmware in '' --uefi; do
		run "${stand_in[@]}" --grub $firmware --append "a='b;c'" </dev/null
		ended 3
		[[ $output == *'froe: stopped: GRUB came here'* ]]
	done
}

@test "the hypervisor reboots: 2" {
	mini 'froe: reboot' 1
	run "${stand_in[@]}" </dev/null
	ended 2
}

@test "a triple fault is not taken for a reboot: 5" {
	mini 'talk of froe: reboot' 1
	run "${stand_in[@]}" </dev/null
	ended 5
}

@test "wrong usage and QEMU's own errors: 1, with a line" {
	run image/run --nonsense
	ended 1
	[[ $output == 'run: '* ]]
	run image/run --native --kernel /nowhere/vmlinux
	ended 1
	[[ $output == 'run: no /nowhere/vmlinux'* ]]
	run image/run --native -- -device nonsense </dev/null
	ended 1
	[[ $output == *nonsense* ]]
}

gone() {
	[[ ! -e /proc/$1/stat || $(cut -d ' ' -f 3 "/proc/$1/stat") == Z ]]
}

@test "signals end QEMU too" {
	local signal number pid qemu
	mini 'froe: waiting' 0
	for signal in INT TERM HUP QUIT KILL; do
		rm -f "$BATS_TEST_TMPDIR/out"
		# A shell without job control would start it with SIGINT ignored.
		python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "${stand_in[@]}" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
		pid=$!
		soon grep -qs waiting "$BATS_TEST_TMPDIR/out"
		qemu=$(pgrep -P "$pid")
		kill -"$signal" "$pid"
		number=0
		wait "$pid" || number=$?
		[ "$number" = $((128 + $(kill -l "$signal"))) ]
		soon gone "$qemu"
		[ "$signal" != KILL ] || rm -r "$FROE_RUN/$pid"-*
		[ -z "$(ls "$FROE_RUN")" ]
	done
}

@test "on a terminal: a shell with job control, and the terminal as before" {
	run timeout 1800 python3 tests/image/terminal.py
	echo "$output"
	[ "$status" = 0 ]
}

@test "on a terminal that some other session has" {
	mini 'froe: stopped: no SVM' 0
	run python3 -c 'import pty, subprocess, sys
sys.exit(subprocess.call(sys.argv[1:], stdin=pty.openpty()[1], start_new_session=True))' "${stand_in[@]}"
	ended 3
}

# Runs a command where kvm_amd says $1 of nesting and /dev/kvm is the file $2, in mounts of its own.
kvm_says() {
	local as_root=()
	[ "$(id -u)" = 0 ] || as_root=(-r)
	unshare "${as_root[@]}" -m true 2>/dev/null || skip 'no mount namespaces'
	unshare "${as_root[@]}" -m bash -ec 'mkdir -p "$1/dev" && mount --rbind /dev "$1/dev"
		mount -t tmpfs none /dev && ln -s "$1"/dev/* /dev && ln -sfT "$1/dev/$3" /dev/kvm
		mount -t tmpfs none /sys/module && mkdir -p /sys/module/kvm_amd/parameters
		echo "$2" >/sys/module/kvm_amd/parameters/nested
		exec "${@:4}"' \
		bash "$BATS_TEST_TMPDIR" "$@"
}

@test "nested KVM where it has SVM on offer, or else one thread of TCG" {
	mini 'froe: stopped: TCG came here' 0
	for nested in 1 Y; do
		run kvm_says $nested null "${stand_in[@]}" --verbose </dev/null
		echo "$output"
		ended 1 # QEMU finds no KVM behind that name
		[[ $output == *' -accel kvm '* ]]
	done
	for says in '0 null' 'N null' '1 none'; do
		run kvm_says $says "${stand_in[@]}" --verbose </dev/null
		ended 3
		[[ $output == *' -accel tcg,thread=single '* ]]
	done
	run kvm_says 1 null "${stand_in[@]}" --verbose --icount 1 </dev/null
	ended 3
	[[ $output == *' -accel tcg -icount '* ]]
}

@test "under --icount two runs are the same to the byte" {
	script 'dmesg; uptime; cat /proc/interrupts'
	for n in 1 2; do
		run "${native[@]}" --smp 1 --icount 1 --log "$BATS_TEST_TMPDIR/log$n" </dev/null
		ended 0
	done
	cmp "$BATS_TEST_TMPDIR"/log?
}

@test "an overlay replaces and adds files" {
	mkdir -p "$BATS_TEST_TMPDIR/overlay/etc"
	echo laid-over >"$BATS_TEST_TMPDIR/overlay/etc/hostname"
	echo '#!/bin/bash' >"$BATS_TEST_TMPDIR/overlay/added"
	chmod +x "$BATS_TEST_TMPDIR/overlay/added"
	script '/added && test "$(hostname)" = laid-over && stat -c %u:%g /added | grep -x 0:0'
	run "${native[@]}" --overlay "$BATS_TEST_TMPDIR/overlay" </dev/null
	ended 0
}

@test "the root: small, no device nodes, owned by root, all libraries there" {
	local missing
	[ "$(stat -c %s build/dom0.cpio.gz)" -lt $((12 << 20)) ]
	run bash -c 'zcat build/dom0.cpio.gz | cpio -tv --quiet | grep -v "^[-dl]\S* *[0-9]* root *root "'
	[ -z "$output" ]
	script 'for f in /usr/bin/* /usr/sbin/*; do
		head -c 4 "$f" | grep -q ELF && ldd=$(LD_TRACE_LOADED_OBJECTS=1 "$f") &&
			[[ $ldd == *"not found"* ]] && echo "$f: $ldd" && exit 1
	done
	for m in xen-privcmd xen-netback xen-blkback loop bridge tun ext4 nvme e1000e; do
		modinfo -F filename $m || exit 1
	done; bats --version'
	run "${native[@]}" </dev/null
	echo "$output"
	ended 0
}

@test "the same input gives the same bytes" {
	local before after results=(build/dom0.cpio.gz build/vmlinux build/guests/boot/*)
	before=$(sha256sum "${results[@]}")
	mkdir -p "$BATS_TEST_TMPDIR/build/bin"
	cp build/bin/froe "$BATS_TEST_TMPDIR/build/bin"
	cp build/froed build/libctl*.so.1 "$BATS_TEST_TMPDIR/build"
	FROE_CACHE=build/cache image/build "$BATS_TEST_TMPDIR/build"
	after=$(cd "$BATS_TEST_TMPDIR" && sha256sum "${results[@]}")
	[ "$before" = "$after" ]
}
