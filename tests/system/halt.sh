# All CPUs of the control domain halted for good: that is a power-off.
# run 2-cpus: --smp 2
# end: halt
# want: reboot: System halted
# want: ^froe: power off
dmesg -n 8
busybox halt -f
