# Debian's kernel comes up as control domain and is well.
# run 1-cpu: --smp 1 --mem 2G --hv dom0_mem=768M --append "froe.cpus=1 froe.mem=768"
# run 2-cpus: --smp 2 --append "froe.cpus=2 froe.mem=1216"
# run 1-of-2-cpus: --smp 2 --hv dom0_max_vcpus=1 --append "froe.cpus=1 froe.mem=1216"
# run 4-cpus: --smp 4 --mem 5G --append "froe.cpus=4 froe.mem=1344"
# run epyc-pc: --smp 2 --cpu EPYC --machine pc --append "froe.cpus=2 froe.mem=1216"
# run uefi: --smp 2 --grub --uefi --append "froe.cpus=2 froe.mem=1216 froe.screen=1"
# keys: typed on the console
# want: ^froe: control domain: 
# want: ^froe: power off
load helpers

@test "all CPUs run" {
	[ "$(nproc)" -eq "$(option froe.cpus)" ]
	for ((cpu = 0; cpu < $(nproc); cpu++)); do
		[ "$(taskset -c $cpu cut -d' ' -f39 /proc/self/stat)" -eq $cpu ]
	done
}

@test "it is the initial domain, PVH" {
	need_froe
	dmesg | grep 'Booting .*kernel on Xen PVH'
	[ "$(cat /sys/hypervisor/guest_type)" = PVH ]
	grep control_d /proc/xen/capabilities
	[ -c /dev/xen/privcmd ] && [ -c /dev/xen/evtchn ] && [ -c /dev/xen/gntdev ]
}

@test "its memory is what it was given, but for a few frames" {
	need_froe
	local ram
	ram=$(sed -n 's/^\([0-9a-f]*\)-\([0-9a-f]*\) : System RAM$/(0x\2 - 0x\1 + 1)/p' /proc/iomem | paste -sd +)
	echo "System RAM: $((ram)) bytes"
	((ram <= $(option froe.mem) << 20 && ram >= ($(option froe.mem) << 20) - (2 << 20)))
}

@test "no trace of a fault in the kernel's log" {
	run traces
	echo "$output"
	[ "$status" -eq 1 ]
}

@test "every warning in the kernel's log is a known one" {
	need_froe
	run unknown_warnings
	echo "$output"
	[ "$status" -eq 1 ]
}

@test "the TSC is its clock" {
	need_froe
	[ "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" = tsc ]
}

# Waits for the RTC's next second: it began between $before and $after, in us.
rtc_edge() {
	local old at
	read -r old <$rtc
	while at=${EPOCHREALTIME/./} && read -r second <$rtc && [ "$second" = "$old" ]; do
		before=$at # the clock was read before the RTC, whatever comes in between
	done
	after=${EPOCHREALTIME/./}
}

pace() {
	local rtc=/sys/class/rtc/rtc0/since_epoch second before after first from until
	before=${EPOCHREALTIME/./}
	rtc_edge
	first=$second from=$before until=$after
	while ((second < first + $1)); do
		before=${EPOCHREALTIME/./}
		rtc_edge
	done
	echo "$((second - first)) s took $((before - until)) to $((after - from)) us"
	((after - from >= (second - first) * 990000 && before - until <= (second - first) * 1010000))
}

@test "time runs at the pace of the RTC" {
	pace 4
}

@test "the hypervisor's own clock does, too" {
	need_froe
	local clock=/sys/devices/system/clocksource/clocksource0/current_clocksource
	echo xen >$clock
	[ "$(cat $clock)" = xen ]
	pace 2
	echo tsc >$clock
	[ "$(cat $clock)" = tsc ]
}

@test "no interrupt was spurious or taken for another" {
	local cpu
	run grep -E '^ *(ERR|MIS): *[1-9]' /proc/interrupts
	echo "$output"
	[ "$status" -ne 0 ]
}

@test "CPUs go off and come back" {
	local cpu
	for ((cpu = 1; cpu < $(option froe.cpus); cpu++)); do
		echo 0 >/sys/devices/system/cpu/cpu$cpu/online
		[ "$(cat /sys/devices/system/cpu/cpu$cpu/online)" -eq 0 ]
		echo 1 >/sys/devices/system/cpu/cpu$cpu/online
		[ "$(taskset -c $cpu cut -d' ' -f39 /proc/self/stat)" -eq $cpu ]
	done
}

@test "an NMI reaches every CPU" {
	local cpu
	echo l >/proc/sysrq-trigger
	for ((cpu = 0; cpu < $(option froe.cpus); cpu++)); do
		dmesg | grep "NMI backtrace for cpu $cpu"
	done
}

@test "keys reach the console" {
	local line
	echo 'keys: please' >/dev/console
	read -rt 300 line </dev/console
	echo "read: $line"
	[ "$line" = 'typed on the console' ]
}

@test "the firmware's screen is the kernel's" {
	[ -n "$(option froe.screen)" ] || skip 'the loader left none'
	dmesg | grep 'efifb: framebuffer at'
	[ -c /dev/fb0 ]
}
