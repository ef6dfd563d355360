# SPDX-License-Identifier: GPL-2.0-only
# What the cases with guests share, in the control domain.
load helpers

kernels=/tests/kernels

# guest NAME KEY=VALUE...: a stock guest of 128 MiB, created; options of create go first.
guest() {
	local options=()
	while [[ $1 == -* ]]; do
		options+=("$1")
		shift
	done
	froe create -q "${options[@]}" /etc/froe/g1.cfg "name='$1'" \
		"cmdline='console=hvc0 quiet guest.name=$1'" "${@:2}"
}

# tiny KERNEL NAME KEY=VALUE...: one of the smallest guests; options of create go first.
tiny() {
	local kernel options=()
	while [[ $1 == -* ]]; do
		options+=("$1")
		shift
	done
	kernel=$1
	shift
	printf 'name = "%s"\nkernel = "%s"\nmemory = 4\n' "$1" "$kernels/$kernel" >"/tmp/$1.cfg"
	froe create -q "${options[@]}" "/tmp/$1.cfg" "${@:2}"
}

# state NAME: its six letters.
state() {
	froe list "$1" | awk 'NR == 2 { print $5 }'
}

state_is() {
	[ "$(state "$1")" = "$2" ]
}

gone() {
	! froe domid "$1" >/dev/null 2>&1
}

# --- consoles: one at a time ------------------------------------------------

open_console() {
	rm -f /tmp/keys && mkfifo /tmp/keys
	: >/tmp/screen
	froe console "$1" </tmp/keys >/tmp/screen 2>&1 3>&- &
	console=$!
	exec 8>/tmp/keys
}

# screen REGEX SECONDS: wait until the console shows it. What it showed is in /tmp/screen.
screen() {
	wait_for "$2" grep -qE -- "$1" /tmp/screen || {
		tail -n 20 /tmp/screen
		return 1
	}
}

type_line() {
	printf '%s\n' "$1" >&8
}

# Who types nothing more still sees what comes, so it does not end by itself.
close_console() {
	exec 8>&-
	kill "$console"
	wait "$console" || true
}

# Everything that a test may have left.
destroy_all() {
	local id
	for id in $(froe list | awk 'NR > 1 && $2 > 0 { print $2 }'); do
		froe destroy "$id" || true
	done
}

# Free memory of the hypervisor in pages, as it counts it.
free_pages() {
	froe info --json | tr ',{' '\n\n' | sed -n 's/.*"free_memory_bytes": *\([0-9]*\).*/\1/p'
}
