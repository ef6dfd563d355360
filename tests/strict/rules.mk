# The tests again, on a QEMU whose SVM is as AMD's manual has it.

STRICT := $(B)/strict/qemu-system-x86_64
STRICT_IN := $(addprefix tests/strict/,build svm.patch tlb_model.c tlb_model.h)

$(STRICT): $(STRICT_IN)
	@image/setup tests/strict/packages
	@tests/strict/build $(B)

.PHONY: strict test-nested
strict: setup ## guest, boot, console and system tests, and Froe on KVM, on a stricter QEMU; builds that first
	@$(MAKE) --no-print-directory $(STRICT)
	@PATH=$(abspath $(B)/strict):$$PATH tests/run guest boot console system nested

test-nested: $(B)/froe image $(STRICT) ## Froe on nested KVM, on the QEMU of make strict
	@PATH=$(abspath $(B)/strict):$$PATH tests/strict/nested
