# froe, the command: build/bin/froe. build/froe is the hypervisor.

CLIBIN := $(B)/bin/froe
CLISRC := $(sort $(wildcard cli/*.c))
CLIOBJ := $(CLISRC:%=$(B)/%.o)

$(B)/cli/%.c.o: cli/%.c Makefile cli/rules.mk libctl/rules.mk
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(TOOLFLAGS) -fPIE -MMD -MP -c -o $@ $<

# It finds its library beside bin/ in the build, and where Debian has libraries in the image.
$(CLIBIN): $(CLIOBJ) $(LIBCTL)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) -pie $(TOOLLINK) -Wl,-z,now,-rpath,'$$ORIGIN/..' -o $@ $(CLIOBJ) $(LIBCTL) -lyajl

all: $(CLIBIN)

-include $(CLIOBJ:.o=.d)
