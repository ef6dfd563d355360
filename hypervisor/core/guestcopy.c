/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to a guest's memory by its own addresses: guest-virtual, as hypercall arguments are, and
 * guest-physical. Nothing of a guest's translation outlives one call.
 *
 * A frame is held by a reference while it is touched, so a domain that gives it up at the same
 * moment, on another CPU, cannot make this read or write somebody else's memory.
 */
#include <hypercall.h>
#include <page.h>
#include <paging.h>
#include <string.h>
#include <virt.h>

#define CR0_WP   BIT(16)
#define CR0_PG   BIT(31)
#define CR4_PAE  BIT(5)
#define CR4_LA57 BIT(12)
#define EFER_LMA BIT(10)

static int frame_copy(struct domain *d, gpa_t at, void *buf, size_t n, bool write)
{
	size_t offset = gpa_x(at) & (PAGE_SIZE - 1);
	mfn_t m;
	u8 *p;

	if (p2m_get_page(d, gpa_to_gfn(at), write, &m))
		return -EFAULT;
	p = page_map(m);
	if (write)
		memcpy(p + offset, buf, n);
	else
		memcpy(buf, p + offset, n);
	page_unmap(p);
	page_put(m);
	return 0;
}

/* [at, at + n) does not wrap around. n may be 0. */
static bool range_ok(u64 at, size_t n)
{
	return !n || at + (n - 1) >= at;
}

static int gpa_copy(struct domain *d, gpa_t at, void *buf, size_t n, bool write)
{
	if (!range_ok(gpa_x(at), n))
		return -EFAULT;
	while (n) {
		size_t part = min(n, PAGE_SIZE - (gpa_x(at) & (PAGE_SIZE - 1)));

		if (frame_copy(d, at, buf, part, write))
			return -EFAULT;
		at = gpa(gpa_x(at) + part);
		buf = (u8 *)buf + part;
		n -= part;
	}
	return 0;
}

int copy_from_gpa(struct domain *d, void *to, gpa_t from, size_t n)
{
	return gpa_copy(d, from, to, n, false);
}

int copy_to_gpa(struct domain *d, gpa_t to, const void *from, size_t n)
{
	return gpa_copy(d, to, (void *)from, n, true);
}

static int read_entry(void *domain, gpa_t at, void *entry, u32 bytes)
{
	return frame_copy(domain, at, entry, bytes, false);
}

static bool canonical(u64 va, u32 bits)
{
	return (u64)((s64)(va << (64 - bits)) >> (64 - bits)) == va;
}

/*
 * The caller's tables are walked with supervisor rights: a hypercall comes from CPL 0, its pointers
 * may be a user's, and SMAP is the guest's own guard against itself. NX does not matter to data.
 */
int guest_translate(struct vcpu *v, u64 va, bool write, gpa_t *out, u64 *left)
{
	const struct pt_format *f;
	struct guest_mode m;
	u64 root, need = PTE_P;

	virt->mode(v, &m);
	if (write && (m.cr0 & CR0_WP))
		need |= PTE_W;
	if (likely(m.efer & EFER_LMA)) {
		bool la57 = m.cr4 & CR4_LA57;

		if (!canonical(va, la57 ? 57 : 48))
			return -EFAULT;
		f = la57 ? &pt_guest_la57 : &pt_guest_64;
		root = m.cr3 & PTE_ADDR;
		return pt_walk_guest(f, gpa(root), va, need, read_entry, v->domain, out, left);
	}
	if (va >> 32)
		return -EFAULT;
	if (!(m.cr0 & CR0_PG)) {
		*out = gpa(va);
		*left = PAGE_SIZE - (va & (PAGE_SIZE - 1));
		return 0;
	}
	f = m.cr4 & CR4_PAE ? &pt_guest_pae : &pt_guest_32;
	root = m.cr4 & CR4_PAE ? m.cr3 & 0xffffffe0 : m.cr3 & 0xfffff000;
	return pt_walk_guest(f, gpa(root), va, need, read_entry, v->domain, out, left);
}

static int guest_copy(u64 at, void *buf, size_t n, bool write)
{
	struct vcpu *v = current_vcpu();
	size_t part;
	gpa_t where;
	u64 left;

	if (!range_ok(at, n))
		return -EFAULT;
	while (n) {
		if (guest_translate(v, at, write, &where, &left))
			return -EFAULT;
		part = min(n, left);
		if (frame_copy(v->domain, where, buf, part, write))
			return -EFAULT;
		at += part;
		buf = (u8 *)buf + part;
		n -= part;
	}
	return 0;
}

int copy_from_guest(void *to, u64 from, size_t n)
{
	return guest_copy(from, to, n, false);
}

int copy_to_guest(u64 to, const void *from, size_t n)
{
	return guest_copy(to, (void *)from, n, true);
}
