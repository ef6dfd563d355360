# froed: the store, guests' consoles and life cycles.

FROED_SRC := $(sort $(wildcard daemon/*.c))
FROED_OBJ := $(FROED_SRC:%=$(B)/%.o)
FROED_LIBS := -lxencall -lxenevtchn -lxengnttab

$(B)/daemon/%.c.o: daemon/%.c Makefile daemon/rules.mk libctl/rules.mk
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(TOOLFLAGS) -MMD -MP -c -o $@ $<

$(B)/froed: $(FROED_OBJ)
	@echo "  LD    $@"
	$(Q)$(CC) -pie $(TOOLLINK) -Wl,--gc-sections,-z,now -o $@ $^ $(FROED_LIBS)

all: $(B)/froed

-include $(FROED_OBJ:.o=.d)
