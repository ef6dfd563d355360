/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Froe's own hypercall: copies between the control domain's buffers and a guest's RAM, for building
 * guests without mapping anything of theirs.
 *
 * How much is done is in the third argument register, not in the vCPU: interrupt handlers of the
 * control domain make hypercalls between two parts of a long one.
 */
#include <handlers.h>
#include <page.h>

#define FLAGS         (FROE_COPY_TO_GUEST | FROE_COPY_LIST)
#define PAGES_AT_ONCE 64

/* [offset, offset + n) of one frame; *bad: the guest has no RAM there. */
static int copy_part(struct domain *d, u64 g, u32 offset, u64 buffer, u32 n, u16 flags, int *bad)
{
	bool write = flags & FROE_COPY_TO_GUEST;
	enum p2m_type type;
	mfn_t m = p2m_lookup(d, gfn(g), &type);
	int rc;
	u8 *p;

	*bad = type == P2M_RAM && page_get(m, d) ? 0 : -EFAULT;
	if (*bad)
		return 0;
	p = page_map(m);
	rc = write ? copy_from_guest(p + offset, buffer, n) : copy_to_guest(buffer, p + offset, n);
	page_unmap(p);
	page_put(m);
	return rc;
}

/* Bytes from `done` on; the result is how many are done in all. */
static s64 copy_range(struct hypercall *c, const struct froe_copy *op, struct domain *d, u64 done)
{
	for (u32 i = 0; done < op->size; i++) {
		u64 at = op->at + done;
		u32 offset = at & ~PAGE_MASK, n = (u32)min(PAGE_SIZE - offset, op->size - done);
		int bad;

		if (i == PAGES_AT_ONCE) {
			c->a[2] = done;
			return hypercall_again(c);
		}
		if (copy_part(d, at >> PAGE_SHIFT, offset, op->buffer + done, n, op->flags, &bad))
			return -EFAULT;
		if (bad)
			return done ? (s64)done : bad;
		done += n;
	}
	return (s64)done;
}

/* Frames from `done` on. */
static s64 copy_list(struct hypercall *c, const struct froe_copy *op, struct domain *d, u64 done)
{
	for (u32 i = 0; done < op->count; i++, done++) {
		s32 bad;
		u64 g;

		if (i == PAGES_AT_ONCE) {
			c->a[2] = done;
			return hypercall_again(c);
		}
		if (copy_from_guest(&g, op->at + done * sizeof(g), sizeof(g)) ||
		    copy_part(d, g, 0, op->buffer + (done << PAGE_SHIFT), PAGE_SIZE, op->flags,
		              &bad))
			return -EFAULT;
		if (op->errors && copy_to_guest(op->errors + done * sizeof(bad), &bad, sizeof(bad)))
			return -EFAULT;
		if (bad && !op->errors)
			return done ? (s64)done : bad;
	}
	return (s64)done;
}

s64 do_froe_copy(struct hypercall *c, void *arg)
{
	const struct froe_copy *op = arg;
	bool list = op->flags & FROE_COPY_LIST;
	u64 done = c->a[2];
	struct domain *d;
	s64 rc;

	if (op->flags & ~FLAGS || done > (list ? op->count : op->size) || (s64)op->size < 0 ||
	    op->at + op->size < op->at || op->buffer + op->size < op->buffer)
		return -EINVAL;
	rc = hypercall_target(c, op->domid, &d);
	if (rc)
		return rc;
	if (d == c->d)
		rc = -EINVAL;
	else
		rc = list ? copy_list(c, op, d, done) : copy_range(c, op, d, done);
	domain_put(d);
	return rc;
}
