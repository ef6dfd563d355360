# The control domain reboots the machine.
# run 2-cpus: --smp 2
# end: reboot
# want: ^froe: reboot
# never: froe: stopped
reboot
read -r _ <>/tmp/never
