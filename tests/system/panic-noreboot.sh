# With noreboot a panic of the control domain stops the machine for a look at it.
# run 2-cpus: --smp 2 --hv noreboot
# end: stopped
# want: Kernel panic - not syncing: sysrq
# want: ^froe: stopped: 
# never: ^froe: reboot
dmesg -n 8
echo c >/proc/sysrq-trigger
