# Froe: one flat makefile. `make help` lists the targets.
#
# The hypervisor is every .c and .S file below hypervisor/; a file is left out
# by moving it, never by a switch in here. Parts with rules of their own keep
# them in a rules.mk beside their sources.

.DEFAULT_GOAL := all
SHELL := /bin/bash
B := build
# `make Q=` shows each command.
Q := @

# --- tools and flags -------------------------------------------------------

CC := gcc
WARN := -Wall -Wextra -Werror -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla -Wimplicit-fallthrough -Wno-unused-parameter
XENDEF := -D__XEN_TOOLS__ -D__XEN_INTERFACE_VERSION__=0x00041100
HVINC := -Ihypervisor/include -include hypervisor/include/base.h
HVFLAGS := -std=gnu11 -O2 -g -m64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
	-ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fno-strict-aliasing -fno-common -fomit-frame-pointer -ffunction-sections \
	-fcf-protection=none -fwrapv $(WARN) $(XENDEF) $(HVINC)

HVSRC := $(sort $(shell find hypervisor -name '*.[cS]'))
HVOBJ := $(HVSRC:%=$(B)/%.o)

# --- the hypervisor --------------------------------------------------------

.PHONY: all
all: $(B)/froe ## the hypervisor (build/froe, symbols in build/froe.syms), tools, daemon

$(B)/hypervisor/%.c.o: hypervisor/%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(HVFLAGS) -MMD -MP -c -o $@ $<

$(B)/hypervisor/%.S.o: hypervisor/%.S Makefile
	@mkdir -p $(@D)
	@echo "  AS    $<"
	$(Q)$(CC) $(HVFLAGS) -D__ASSEMBLY__ -MMD -MP -c -o $@ $<

# Symbols stay in the 64-bit file; loaders get an ELF32 container of the same
# bytes, because Multiboot 1 loaders (QEMU's among them) take nothing else.
$(B)/froe.syms: $(HVOBJ) hypervisor/arch/x86/froe.lds
	@echo "  LD    $@"
	$(Q)$(CC) -nostdlib -static -no-pie -Wl,--build-id=none,-z,noexecstack,-z,max-page-size=0x1000 \
		-Wl,--gc-sections,-T,hypervisor/arch/x86/froe.lds -o $@ $(HVOBJ)

$(B)/froe: $(B)/froe.syms
	$(Q)objcopy -O elf32-i386 --strip-all $< $@

-include $(HVOBJ:.o=.d)

# --- the rest --------------------------------------------------------------

-include libctl/rules.mk cli/rules.mk daemon/rules.mk image/rules.mk
-include tests/store/rules.mk tests/unit/rules.mk tests/guest/rules.mk tests/system/rules.mk
-include tests/strict/rules.mk tests/abi/rules.mk tests/libctl/rules.mk tests/cli/rules.mk tests/system/fuzz/rules.mk tests/bench/rules.mk tests/rules.mk

.PHONY: clean help
clean: ## remove build/, downloads included
	rm -rf $(B)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | sort | expand -t 20
