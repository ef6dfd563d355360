# The control domain's image, and what boots it.

IMAGE_IN := image/build image/contents image/modules image/tour \
	$(shell find image/root image/guest image/guests ! -type d) \
	$(B)/bin/froe $(B)/froed $(LIBCTL) $(UNPACKER)

$(B)/vmlinux $(B)/dom0.cpio.gz $(B)/guests/boot/vmlinuz &: $(IMAGE_IN)
	@image/build $(B)

.PHONY: setup image
setup: ## install the Debian packages that are missing
	@image/setup

image: $(B)/vmlinux $(B)/dom0.cpio.gz $(B)/guests/boot/vmlinuz ## the control domain's kernel and root, and guests

# --- booting it ------------------------------------------------------------

# Set-up comes first and alone: what it installs, the rest is built with. With
# a terminal, a shell; without, the tour, which fails if any of its steps does.
.PHONY: run
run: setup ## boot it all in QEMU: a shell, or without a terminal a scripted tour
	@$(MAKE) --no-print-directory $(B)/froe image
	@if [ -t 0 ] && [ -t 1 ]; then \
		echo 'To leave: poweroff in the shell, or three times Ctrl-A for the'; \
		echo "hypervisor's menu, which can end it too."; \
		image/run --guests; \
	else \
		image/run --guests --script image/tour --append quiet --timeout 600 && echo 'tour: ok'; \
	fi

$(B)/froe.iso: $(B)/froe $(B)/vmlinux $(B)/dom0.cpio.gz image/iso
	@image/iso $@ $(B)/froe $(B)/vmlinux $(B)/dom0.cpio.gz
	@echo "iso: $@"

.PHONY: iso
iso: $(B)/froe.iso ## an ISO that boots the system on BIOS and on UEFI

.PHONY: test-image
test-image: image ## test the image and image/run, with no hypervisor
	@tests/image/run
