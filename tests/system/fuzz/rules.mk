# Random hypercalls from inside the booted control domain.

.PHONY: test-fuzz
$(B)/tests/fuzz/fuzz: tests/system/fuzz/fuzz.c tests/system/fuzz/make.c tests/system/fuzz/fuzz.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -static $(WARN) $(XENDEF) -o $@ $(filter %.c,$^)

test-fuzz: $(B)/froe $(B)/tests/fuzz/fuzz image ## make random hypercalls in the booted control domain
	@tests/system/fuzz/run
