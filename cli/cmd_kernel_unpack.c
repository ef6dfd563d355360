/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe kernel-unpack: the ELF kernel inside of a bzImage, for the boot loader's entry of Froe.
 */
#include "output.h"

static int kernel_unpack(struct call *c)
{
	if (froe_kernel_unpack(c->froe, c->arg[0], c->arg[1]))
		return call_failed(c, c->arg[0]);
	return 0;
}

const struct cmd cmd_kernel_unpack = {
	.name = "kernel-unpack",
	.arguments = "KERNEL ELF",
	.summary = "Write the ELF file inside of a kernel to another file",
	.least = 2,
	.most = 2,
	.run = kernel_unpack,
};
