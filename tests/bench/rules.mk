# What things cost, in instructions.

BENCH := $(B)/tests/bench

$(BENCH)/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -static $(WARN) $(XENDEF) -o $@ $<

.PHONY: bench
bench: $(B)/froe $(B)/tests/guest/bench.elf image $(BENCH)/measure $(BENCH)/xs $(TINY)/idle ## count instructions: ways into the hypervisor, the tools
	@tests/guest/bench
	@tests/bench/run
