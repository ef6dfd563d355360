# froe and the configuration parser, on a machine without a hypervisor.

CT := $(B)/tests/cli
CTPARSER := $(wildcard libctl/config*.c) libctl/cpumap.c libctl/text.c libctl/handle.c \
	tests/cli/closed.c
CTFLAGS := -std=gnu11 -O1 -g -D_GNU_SOURCE -fsanitize=address,undefined \
	-fno-sanitize-recover=all -fno-common $(WARN) $(XENDEF) $(CTLINC)
CTDEPS := $(CTPARSER) $(wildcard libctl/*.h) tests/cli/rules.mk

# froe as it is, with sanitizers, above the real parser and canned answers.
$(CT)/bin/froe: $(CLISRC) tests/cli/fake.c $(wildcard cli/*.h) $(CTDEPS)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(CTFLAGS) -o $@ $(filter %.c,$^) -lyajl

$(CT)/parse: tests/cli/parse.c $(CTDEPS)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(CTFLAGS) -o $@ $(filter %.c,$^) -lyajl

.PHONY: test-cli
test-cli: $(CT)/bin/froe $(CT)/parse ## froe's verbs and guest files, without a hypervisor
	@tests/cli/run
