# The control domain's image, and what boots it.

IMAGE_IN := image/build image/contents image/modules image/tour \
	$(shell find image/root ! -type d)

$(B)/vmlinux $(B)/dom0.cpio.gz &: $(IMAGE_IN)
	@image/build $(B)

.PHONY: setup image
setup: ## install the Debian packages that are missing
	@image/setup

image: $(B)/vmlinux $(B)/dom0.cpio.gz ## the control domain's kernel and root
