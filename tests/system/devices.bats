# Disks and network cards of every kind, by MSI and by level interrupts.
# before: truncate -s 64M sata
# run msi: --smp 2 -- $qemu_devices
# run nomsi: --smp 2 --append pci=nomsi -- $qemu_devices
load helpers
scale=$(option froe.scale)

setup_file() {
	address virtio_net 10.0.2
	address e1000 10.0.3
}

teardown() {
	idle_cpus
}

interrupts_ok() {
	! grep -E '^ *(ERR|MIS): *[1-9]' /proc/interrupts && ! traces
}

@test "virtio disk: 16 MiB written and read back" {
	times "$scale" disk_data /dev/vda 16 0
}

@test "SATA disk: 8 MiB written and read back" {
	wait_for 30 [ -b /dev/sda ]
	times "$scale" disk_data /dev/sda 8 0
}

@test "virtio network: 2 MiB there and back while all CPUs are busy" {
	busy_cpus
	times "$scale" echo_data 10.0.2.100 2
}

@test "e1000: 2 MiB there and back while all CPUs are busy" {
	busy_cpus
	times "$scale" echo_data 10.0.3.100 2
}

@test "all four at once, interrupts wandering from CPU to CPU" {
	local jobs=() job irq mask=1
	times "$scale" disk_data /dev/vda 8 $((64 << 20)) 3>&- & jobs+=($!)
	times "$scale" disk_data /dev/sda 8 $((32 << 20)) 3>&- & jobs+=($!)
	times "$scale" echo_data 10.0.2.100 1 3>&- & jobs+=($!)
	times "$scale" echo_data 10.0.3.100 1 3>&- & jobs+=($!)
	while [ -n "$(jobs -rp)" ] && [ "$(jobs -rp | wc -l)" -gt 0 ]; do
		for irq in $(awk '/virtio|ahci|eth/ { sub(":", "", $1); print $1 }' /proc/interrupts); do
			echo $mask >/proc/irq/"$irq"/smp_affinity 2>/dev/null || true
		done
		mask=$((3 - mask))
		read -rt 0.05 <>/tmp/never || true
	done
	for job in "${jobs[@]}"; do
		wait "$job"
	done
}

@test "pings by the hundred, none lost" {
	ping -q -c $((100 * scale)) -i 0.01 10.0.2.2 | tee /dev/stderr | grep -q ' 0% packet loss'
	ping -q -c $((100 * scale)) -i 0.01 10.0.3.2 | tee /dev/stderr | grep -q ' 0% packet loss'
}

@test "interrupts are of the kind asked for" {
	cat /proc/interrupts
	if grep -q pci=nomsi /proc/cmdline; then
		! grep PCI-MSI /proc/interrupts || return 1
		[ "$(interrupts virtio)" -gt 100 ]
	else
		grep PCI-MSI /proc/interrupts
	fi
	[ "$(interrupts '^eth[0-9]$')" -gt 100 ] # the e1000 has level interrupts only
}

@test "nothing was lost, spurious or late" {
	cat /proc/interrupts
	interrupts_ok
}
