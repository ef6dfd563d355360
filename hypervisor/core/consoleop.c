/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * console_io: the control domain's text to and from the hypervisor's console, and that of guests,
 * line by line, into the messages.
 *
 * Locking: a guest's unfinished line is under its domain's lock.
 */
#include <console.h>
#include <handlers.h>
#include <printk.h>

/* Bytes that one entry handles: a serial line takes about 11 ms for them. */
#define CHUNK 128

static void guest_write(struct domain *d, const char *text, u32 n)
{
	spin_lock(&d->lock);
	for (; n; n--, text++) {
		if (*text != '\n')
			d->line[d->line_used++] = *text;
		if (*text == '\n' || d->line_used == sizeof(d->line)) {
			printk_guest(d, "%.*s\n", (int)d->line_used, d->line);
			d->line_used = 0;
		}
	}
	spin_unlock(&d->lock);
}

s64 do_console_write(struct hypercall *c, void *arg)
{
	u32 count = (u32)c->a[1];
	u32 n = min(count, (u32)CHUNK);
	char text[CHUNK];

	if (copy_from_guest(text, c->a[2], n))
		return -EFAULT;
	if (c->d->control)
		console_write(text, n);
	else
		guest_write(c->d, text, n);
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
