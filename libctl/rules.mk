# libctl, the control library: build/libctl.so.1, and a link of that name without
# the number for those who link with it; and build/libctl-unpack.so.1, which it loads
# to unpack a kernel.

LIBCTL := $(B)/libctl.so.1
UNPACKER := $(B)/libctl-unpack.so.1
CTLSRC := $(filter-out libctl/unpack.c,$(sort $(wildcard libctl/*.c)))
CTLOBJ := $(CTLSRC:%=$(B)/%.o)
CTLLIBS := -lxencall -lxenforeignmemory -lyajl
UNPACKLIBS := -lz -llzma -lzstd -llz4
CTLINC := -Ilibctl -Ihypervisor/include/public

# What every program for the control domain is compiled with. The interface version is that of
# the hypervisor's own build; __XEN_TOOLS__ shows domctl and sysctl.
TOOLFLAGS := -std=gnu11 -O2 -g -fPIC -fvisibility=hidden -fstack-protector-strong \
	-fno-strict-aliasing -fno-common -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 $(WARN) $(XENDEF) $(CTLINC)
TOOLLINK := -Wl,-z,relro,-z,noexecstack,--as-needed

$(B)/libctl/%.c.o: libctl/%.c Makefile libctl/rules.mk
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(TOOLFLAGS) -MMD -MP -c -o $@ $<

$(LIBCTL): $(CTLOBJ) libctl/libctl.map
	@echo "  LD    $@"
	$(Q)$(CC) -shared $(TOOLLINK) -Wl,-z,defs,-soname,libctl.so.1,--version-script=libctl/libctl.map \
		-Wl,-rpath,'$$ORIGIN' -o $@ $(CTLOBJ) $(CTLLIBS)
	$(Q)ln -sf libctl.so.1 $(B)/libctl.so

$(UNPACKER): $(B)/libctl/unpack.c.o
	@echo "  LD    $@"
	$(Q)$(CC) -shared $(TOOLLINK) -Wl,-z,defs,-soname,$(@F) -o $@ $< $(UNPACKLIBS)

all: $(LIBCTL) $(UNPACKER)

-include $(CTLOBJ:.o=.d) $(B)/libctl/unpack.c.d
