# Tiny PVH kernels that QEMU starts as the control domain: a test is one
# t_<noun>.c, the library is every file of lib/.

GT := $(B)/tests/guest
GTFLAGS := -std=gnu11 -O2 -g -m64 -mno-red-zone -mgeneral-regs-only -ffreestanding -fno-pic \
	-fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables -fno-strict-aliasing \
	-fno-common -fcf-protection=none -fwrapv $(WARN) $(XENDEF) -Itests/guest/lib -Ihypervisor/include/public
GTLIB := $(patsubst %,$(B)/%.o,$(sort $(wildcard tests/guest/lib/*.[cS])))
GTELF := $(patsubst tests/guest/t_%.c,$(GT)/%.elf,$(sort $(wildcard tests/guest/t_*.c))) \
	$(patsubst tests/guest/%.c,$(GT)/%.elf,$(wildcard tests/guest/bench.c))

$(B)/tests/guest/%.o: tests/guest/% Makefile tests/guest/rules.mk
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(GTFLAGS) -MMD -MP -c -o $@ $<

$(GT)/%.elf: $(GT)/t_%.c.o $(GTLIB) tests/guest/lib/guest.lds
	$(Q)$(CC) -nostdlib -static -no-pie -Wl,--build-id=none,-z,noexecstack,-z,max-page-size=0x1000 \
		-Wl,-T,tests/guest/lib/guest.lds -o $@ $(filter %.o,$^)

$(GT)/bench.elf: $(GT)/bench.c.o $(GTLIB) tests/guest/lib/guest.lds
	$(Q)$(CC) -nostdlib -static -no-pie -Wl,--build-id=none,-z,noexecstack,-z,max-page-size=0x1000 \
		-Wl,-T,tests/guest/lib/guest.lds -o $@ $(filter %.o,$^)

.SECONDARY: $(GTELF:%.elf=%.c.o)

.PHONY: guest-kernels test-guest test-guest-native
guest-kernels: $(GTELF)

test-guest: $(B)/froe $(GTELF) ## test the hypervisor from inside, by tiny kernels in QEMU
	@tests/guest/run

test-guest-native: $(GTELF) ## run those of them that need no hypervisor on the bare machine
	@tests/guest/run --native

-include $(GTLIB:.o=.d) $(wildcard $(GT)/*.d)
