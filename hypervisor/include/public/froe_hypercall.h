/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Froe's own hypercall, __HYPERVISOR_arch_7: argument 1 is the operation, argument 2 points at its
 * structure, argument 3 is 0. For the control domain only.
 */
#ifndef FROE_HYPERCALL_H
#define FROE_HYPERCALL_H

#include <stdint.h>

#define FROE_OP_copy 0

/* flags of struct froe_copy */
#define FROE_COPY_TO_GUEST 1 /* write the guest's memory; without it: read it */
#define FROE_COPY_LIST     2 /* whole frames by number; without it: a range of addresses */

/*
 * Copy between the caller's buffer and a guest's RAM.
 *
 * Range: `size` bytes from guest-physical address `at`, neither aligned. Result: bytes copied,
 * fewer than `size` if the guest has no RAM behind them; -EFAULT if that is so at the first byte.
 *
 * List: the `count` frames whose numbers are in the uint64_t array at address `at` of the caller;
 * the buffer holds a page for each. With `errors`, the address of an int32_t for each, all are
 * tried, each gets 0 or -EFAULT, and the result is `count`; without it (0) the first bad frame ends
 * the call as in a range.
 *
 * -EINVAL: unknown flags, the caller itself, a size that wraps around; -ESRCH: no such domain;
 * -EFAULT: also a buffer or list that is not the caller's.
 */
struct froe_copy {
	uint16_t domid, flags;
	uint32_t count;
	uint64_t at, size, buffer, errors;
};
typedef struct froe_copy froe_copy_t;

#endif
