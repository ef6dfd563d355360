# The whole system, booted once for each case.

# Tiny guests, and what each does.
TINY := $(B)/tests/kernels
TINY_idle := sti; 1: hlt; jmp 1b
TINY_spin := 1: jmp 1b
TINY_triple := ud2
TINY_halt := cli; 1: hlt; jmp 1b
TINY_early := mov $$0xc0000080,%ecx; mov $$0x100,%eax; xor %edx,%edx; wrmsr; 1: jmp 1b
TINY_ELF := $(patsubst %,$(TINY)/%,idle spin triple halt early hostile granter grants)

$(TINY)/%: tests/system/kernels/tiny.S tests/system/rules.mk
	@mkdir -p $(@D)
	$(Q)$(CC) -nostdlib -static -no-pie -D'BODY=$(TINY_$*)' \
		-Wl,--build-id=none,-z,noexecstack,-N,--no-warn-rwx-segments,-Ttext-segment=0x100000,-e,entry -o $@ $<

# Some with the library of the test kernels, and so in long mode and with hypercalls.
$(TINY)/hostile $(TINY)/granter: $(TINY)/%: $(B)/tests/system/kernels/%.c.o $(GTLIB) tests/guest/lib/guest.lds
	@mkdir -p $(@D)
	$(Q)$(CC) -nostdlib -static -no-pie -Wl,--build-id=none,-z,noexecstack,-z,max-page-size=0x1000 \
		-Wl,-T,tests/guest/lib/guest.lds -o $@ $(filter %.o,$^)

$(B)/tests/system/kernels/%.o: tests/system/kernels/% Makefile tests/system/rules.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(GTFLAGS) -MMD -MP -c -o $@ $<

# The control domain's side of a guest that grants.
$(TINY)/grants: tests/system/grants.c tests/system/kernels/granter.h
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -D_GNU_SOURCE $(WARN) $(XENDEF) -o $@ $< -lxengnttab

.PHONY: test-system
test-system: $(B)/froe image $(TINY_ELF) ## test the control domain in QEMU
	@tests/system/run
