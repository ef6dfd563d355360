# What `make run` shows without a terminal, to its last step.
# before: cp "$top/image/tour" overlay/tests/tour
# run 2-cpus: --smp 2 --guests --append quiet
# want: ^tour: every step succeeded$
# never: ^tour: failed
exec bash ./tour
