# froed on the host, with sanitizers; its doors to the hypervisor are files (tests/store/door.c).

FROEDT := $(B)/tests/store
FROEDT_SRC := $(filter-out daemon/door.c,$(FROED_SRC)) tests/store/door.c
FROEDT_OBJ := $(FROEDT_SRC:%=$(FROEDT)/%.o)

$(FROEDT)/%.c.o: %.c Makefile tests/store/rules.mk daemon/rules.mk libctl/rules.mk
	@mkdir -p $(@D)
	@echo "  CC    $< (store)"
	$(Q)$(CC) $(filter-out -O2 -D_FORTIFY_SOURCE=2,$(TOOLFLAGS)) -O1 -fno-omit-frame-pointer \
		-fsanitize=address,undefined -fno-sanitize-recover=all -MMD -MP -c -o $@ $<

$(FROEDT)/froed: $(FROEDT_OBJ)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^

$(FROEDT)/ring_turn: $(patsubst %,$(FROEDT)/%.o,tests/store/ring_turn.c daemon/ring.c daemon/util.c)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^

.PHONY: test-store
test-store: $(FROEDT)/froed $(FROEDT)/ring_turn $(B)/froed ## test froed on the host: protocol, rings, consoles, kills
	@$(FROEDT)/ring_turn && tests/store/run

-include $(FROEDT_OBJ:.o=.d) $(FROEDT)/tests/store/ring_turn.c.d
