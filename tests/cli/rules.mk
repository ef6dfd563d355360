# froe and the configuration parser, on a machine without a hypervisor.

CT := $(B)/tests/cli
CTPARSER := $(wildcard libctl/config*.c) libctl/cpumap.c libctl/text.c libctl/handle.c \
	tests/cli/closed.c
CTFLAGS := -std=gnu11 -g -D_GNU_SOURCE -fno-common $(WARN) $(XENDEF) $(CTLINC)
CTDEPS := $(CTPARSER) $(wildcard libctl/*.h) tests/cli/rules.mk

# The real parser above canned answers, under the name that froe asks for.
$(CT)/libctl.so.1: tests/cli/fake.c $(CTDEPS)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(CTFLAGS) -O1 -fPIC -shared -Wl,-soname,libctl.so.1 -o $@ $(filter %.c,$^) -lyajl

# The same program as for the control domain; only the library is another one.
$(CT)/bin/froe: $(CLIOBJ) $(CT)/libctl.so.1
	@mkdir -p $(@D)
	$(Q)$(CC) -pie $(TOOLLINK) -Wl,-z,now,-rpath,'$$ORIGIN/..' -o $@ $(CLIOBJ) $(CT)/libctl.so.1 -lyajl

$(CT)/parse: tests/cli/parse.c $(CTDEPS)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(CTFLAGS) -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
		-o $@ $(filter %.c,$^) -lyajl

.PHONY: test-cli
test-cli: $(CT)/bin/froe $(CT)/parse ## froe's verbs and guest files, without a hypervisor
	@tests/cli/run
