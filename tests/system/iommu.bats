# A machine with an IOMMU, which the control domain must not find, and PCIe devices.
# before: truncate -s 32M nvme
# run amd: --smp 2 -- -device amd-iommu,intremap=on,pt=off $pcie_devices
# run intel: --smp 2 -- -device intel-iommu,intremap=on -machine kernel-irqchip=split $pcie_devices
load helpers

@test "the kernel finds no IOMMU" {
	need_froe
	[ -z "$(ls /sys/class/iommu 2>/dev/null)" ]
	! ls /sys/firmware/acpi/tables | grep -E 'IVRS|DMAR|HPET'
}

@test "NVMe disk: 8 MiB written and read back" {
	wait_for 30 [ -b /dev/nvme0n1 ]
	disk_data /dev/nvme0n1 8 0
}

@test "e1000e: 1 MiB there and back" {
	address e1000e 10.0.3
	echo_data 10.0.3.100 1
}

@test "nothing was lost or spurious" {
	cat /proc/interrupts
	! grep -E '^ *(ERR|MIS): *[1-9]' /proc/interrupts || return 1
	run traces
	echo "$output"
	[ "$status" -eq 1 ]
}
