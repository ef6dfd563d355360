# All tests, in the order from quick to slow, and one sum of them.

.PHONY: test soak lint test-boot test-console test-matrix
test: setup ## everything: lint, unit, guest, image and system tests, and their sum
	@tests/run lint unit abi libctl store cli boot guest image console fuzz system matrix

soak: setup ## the long ones as well: the full boot matrix, higher counts
	@SOAK=1 tests/run lint unit abi libctl store cli boot guest image console fuzz system matrix

lint: ## format, shape and size of the sources; scripts and manual pages
	@tests/lint

test-boot: $(B)/froe ## boot with everything that can be wrong, break what runs: look for the clear line
	@tests/system/boot_errors
	@tests/system/host_faults

test-console: $(B)/froe image ## the hypervisor's console: input, menu, watchdog, calibration
	@tests/console/run

test-matrix: $(B)/froe image ## boot on many machines; SOAK=1: on all of them
	@tests/system/matrix
