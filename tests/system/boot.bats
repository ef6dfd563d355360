# Debian's kernel comes up as control domain and is well.
# run 1-cpu: --smp 1 --mem 2G --hv dom0_mem=768M --append "froe.cpus=1 froe.mem=768"
# run 2-cpus: --smp 2 --append "froe.cpus=2 froe.mem=1216"
# run 4-cpus: --smp 4 --mem 5G --append "froe.cpus=4 froe.mem=1344"
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
	[ "$status" -ne 0 ]
}

@test "every warning in the kernel's log is a known one" {
	need_froe
	run unknown_warnings
	echo "$output"
	[ "$status" -ne 0 ]
}

@test "the TSC is its clock" {
	need_froe
	[ "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" = tsc ]
}

# Five edges of the RTC's second, against the kernel's clock.
@test "time runs at the pace of the RTC" {
	local rtc=/sys/class/rtc/rtc0/since_epoch first last from to
	first=$(cat $rtc)
	while [ "$(cat $rtc)" = "$first" ]; do :; done
	first=$(cat $rtc) from=${EPOCHREALTIME/./}
	while last=$(cat $rtc) && ((last < first + 5)); do :; done
	to=${EPOCHREALTIME/./}
	echo "$((last - first)) s took $((to - from)) us"
	((to - from > (last - first) * 950000 && to - from < (last - first) * 1050000 + 100000))
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

@test "keys reach the console" {
	local line
	echo 'keys: please' >/dev/console
	read -rt 30 line </dev/console
	echo "read: $line"
	[ "$line" = 'typed on the console' ]
}
