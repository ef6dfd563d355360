# A panic of the control domain is the end of the machine: it is started again.
# run 2-cpus: --smp 2
# end: reboot
# want: Kernel panic - not syncing: sysrq
# want: ^froe: reboot
dmesg -n 8
echo c >/proc/sysrq-trigger
