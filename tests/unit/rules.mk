# Unit tests: the hypervisor's pure files, compiled for the host with sanitizers.
# A test is one t_<noun>.c that names its real files in a "files:" line.

UT := $(B)/tests/unit
UTFLAGS := -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-common \
	-fno-strict-aliasing -fno-omit-frame-pointer -fno-builtin $(WARN) -Wno-unused-parameter -Wno-clobbered \
	$(XENDEF) -Itests/unit/include $(HVINC)
UTSRC := $(sort $(wildcard tests/unit/t_*.c))
UTNAME := $(UTSRC:tests/unit/t_%.c=%)

ut_files = $(shell sed -n 's/^ \* *files: *//p' tests/unit/t_$(1).c)

# Objects of hypervisor files are shared between the tests that link them.
$(UT)/%.o: % Makefile tests/unit/rules.mk
	@mkdir -p $(@D)
	@echo "  CC    $< (unit)"
	$(Q)$(CC) $(UTFLAGS) -MMD -MP -c -o $@ $<

define ut_rule
$(UT)/t_$(1): $(UT)/tests/unit/t_$(1).c.o $(UT)/tests/unit/harness.c.o \
		$(patsubst %,$(UT)/%.o,$(call ut_files,$(1)))
	$(Q)$(CC) $(UTFLAGS) -pthread -o $$@ $$^
endef
$(foreach t,$(UTNAME),$(eval $(call ut_rule,$(t))))

.PHONY: test-unit
test-unit: $(UTNAME:%=$(UT)/t_%) ## test the hypervisor's pure files on the host
	@tests/unit/run $(UTNAME)

-include $(shell find $(UT) -name '*.d' 2>/dev/null)
