# Tests of libctl on the host: its real files under sanitizers, linked with a stand-in for the
# hypervisor (fake_xen.c) and, where a test needs it, one for the store (fake_store.c).

LT := $(B)/tests/libctl
LTFLAGS := $(filter-out -O2 -D_FORTIFY_SOURCE=2,$(TOOLFLAGS)) -O1 -Itests/libctl -fsanitize=address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer
LTNAME := $(patsubst tests/libctl/t_%.c,%,$(sort $(wildcard tests/libctl/t_*.c)))
LTOBJ := $(CTLSRC:%=$(LT)/%.o) $(addprefix $(LT)/tests/libctl/,check.c.o fake_xen.c.o fake_store.c.o)

$(LT)/%.c.o: %.c Makefile tests/libctl/rules.mk libctl/rules.mk
	@mkdir -p $(@D)
	@echo "  CC    $< (test)"
	$(Q)$(CC) $(LTFLAGS) -MMD -MP -c -o $@ $<

$(LT)/libctl-unpack.so.1: $(LT)/libctl/unpack.c.o
	$(Q)$(CC) $(LTFLAGS) -shared -o $@ $< $(UNPACKLIBS)

# An RPATH, because a RUNPATH does not count for what the sanitizer opens in our name.
$(LT)/t_%: $(LT)/tests/libctl/t_%.c.o $(LTOBJ) | $(LT)/libctl-unpack.so.1
	$(Q)$(CC) $(LTFLAGS) -pthread -Wl,--disable-new-dtags,-rpath,'$$ORIGIN' -o $@ $^ \
		$(filter-out -lxencall -lxenforeignmemory,$(CTLLIBS)) $(UNPACKLIBS)

.PRECIOUS: $(LT)/tests/libctl/%.c.o

.PHONY: test-libctl
test-libctl: $(LTNAME:%=$(LT)/t_%) $(LIBCTL) $(B)/vmlinux ## test the control library on the host
	@tests/libctl/run $(LTNAME)

-include $(shell find $(LT) -name '*.d' 2>/dev/null)
