# The whole system, booted once for each case.

.PHONY: test-system
test-system: $(B)/froe image ## test the control domain in QEMU
	@tests/system/run
