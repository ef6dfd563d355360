/* SPDX-License-Identifier: GPL-2.0-only */
/* console_io: the control domain's text to and from the hypervisor's console. */
#include <console.h>
#include <handlers.h>

/* Bytes that one entry handles: a serial line takes about 11 ms for them. */
#define CHUNK 128

s64 do_console_write(struct hypercall *c, void *arg)
{
	u32 count = (u32)c->a[1];
	u32 n = min(count, (u32)CHUNK);
	char text[CHUNK];

	if (copy_from_guest(text, c->a[2], n))
		return -EFAULT;
	console_write(text, n);
	if (n == count)
		return 0;
	c->a[1] = count - n;
	c->a[2] += n;
	return hypercall_again(c);
}

s64 do_console_read(struct hypercall *c, void *arg)
{
	char text[CHUNK];
	size_t n = console_read(text, min((u32)c->a[1], (u32)sizeof(text)));

	return copy_to_guest(c->a[2], text, n) ? -EFAULT : (s64)n;
}
