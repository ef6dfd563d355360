# The hypercall table as a listing, and the manual page held against it.

.PHONY: hypercalls test-abi
$(B)/tests/hypercalls: tests/abi/hypercalls.c hypervisor/include/hypercall_rows.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 $(WARN) $(XENDEF) -Itests/unit/include $(HVINC) -o $@ $<

hypercalls: $(B)/tests/hypercalls ## print the hypercall table
	@$<

test-abi: $(B)/tests/hypercalls ## compare the hypercall table with its manual page
	@tests/abi/run $<
