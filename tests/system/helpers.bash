# SPDX-License-Identifier: GPL-2.0-only
# What the cases share, in the control domain.

on_froe() {
	[ "$(cat /sys/hypervisor/type 2>/dev/null)" = xen ]
}

# The value of a word of the kernel's command line.
option() {
	sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" /proc/cmdline
}

need_froe() {
	on_froe || skip 'no hypervisor'
}

# Runs a command until it succeeds. SECONDS are those of a machine with nothing else to do: it gets
# five times as many, since they are only a net.
wait_for() {
	local end=$((SECONDS + 5 * $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		read -rt 0.1 <>/tmp/never || true
	done
}
[ -p /tmp/never ] || mkfifo /tmp/never

# Messages of the kernel at level warning or worse, without those that
# dmesg.known accounts for.
unknown_warnings() {
	grep -v -e '^#' -e '^$' dmesg.known >/tmp/known
	dmesg -l emerg,alert,crit,err,warn | sed 's/^\[[^]]*\] //' | grep -Evf /tmp/known
}

# Traces of faults, whatever their level.
traces() {
	dmesg | grep -E \
		'Call Trace|WARNING: (CPU|possible)|BUG:|Oops|lockup|[^n]stall|WATCHDOG|unchecked MSR|nobody cared|timed out|blocked for more'
}

# interrupts NAME: how often, on all CPUs, of the lines that end in NAME (regex).
interrupts() {
	awk -v name="$1" -v cpus="$(nproc)" \
		'$NF ~ name { for (i = 2; i < cpus + 2; i++) n += $i } END { print n + 0 }' /proc/interrupts
}

# times N COMMAND: until it fails.
times() {
	local n=$1
	shift
	while ((n-- > 0)); do
		"$@" || return 1
	done
}

# One endless loop for each CPU, until idle_cpus.
busy_cpus() {
	local cpu
	for ((cpu = 0; cpu < $(nproc); cpu++)); do
		taskset -c $cpu sh -c 'while :; do :; done' 3>&- &
		echo $! >>/tmp/busy
	done
}

idle_cpus() {
	[ ! -e /tmp/busy ] || kill $(cat /tmp/busy) 2>/dev/null
	rm -f /tmp/busy
}

# net_device DRIVER: the interface that it drives.
net_device() {
	local path
	for path in /sys/class/net/*; do
		[ "$(basename "$(readlink "$path/device/driver")")" != "$1" ] || basename "$path"
	done
}

# address DRIVER SUBNET: the interface of that driver gets SUBNET.15.
address() {
	local device
	device=$(net_device "$1")
	ip addr flush dev "$device"
	ip addr add "$2.15/24" dev "$device"
	ip link set "$device" up
	wait_for 20 ping -c 1 -W 1 "$2.2"
}

# echo_data ADDRESS MIB: sends random data to the echo service there and compares.
echo_data() {
	local dir
	dir=$(mktemp -d)
	dd if=/dev/urandom of="$dir/sent" bs=1M count="$2" status=none
	timeout 1000 nc "$1" 7 <"$dir/sent" >"$dir/received"
	cmp "$dir/sent" "$dir/received"
	rm -r "$dir"
}

# disk_data DISK MIB OFFSET: writes random data past the page cache, reads it back.
disk_data() {
	local dir
	dir=$(mktemp -d)
	dd if=/dev/urandom of="$dir/written" bs=1M count="$2" status=none
	dd if="$dir/written" of="$1" bs=256k seek="$3" oflag=direct,seek_bytes status=none
	dd if="$1" of="$dir/read" bs=64k skip="$3" count=$(($2 * 16)) iflag=direct,skip_bytes status=none
	cmp "$dir/written" "$dir/read"
	rm -r "$dir"
}
