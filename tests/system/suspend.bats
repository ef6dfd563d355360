# Machine-wide sleep is refused, and the control domain lives on.
# run s3: --smp 2
# want: ^froe: the control domain asked for sleep type 1: refused
# want: ^froe: power off
load helpers

# Linux believes that it slept and was woken at once.
@test "suspend to RAM comes back by itself" {
	need_froe
	echo mem >/sys/power/state
	dmesg | tail -n 20
}

@test "devices and CPUs work afterwards" {
	[ "$(nproc)" -eq 2 ]
	disk_data /dev/vda 4 0
	net-up >/dev/null
	echo_data 10.0.2.100 1
	run traces
	[ "$status" -eq 1 ]
}
