/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to a guest's memory by its own addresses: guest-virtual, as hypercall arguments are, and
 * guest-physical. Nothing of a guest's translation outlives one call.
 *
 * Locking: none. A copy notes the number of changes of the address space before it looks at the
 * first entry and compares it at the end. Frames leave an address space in three steps: entry
 * cleared, change counted, frame given away; so while the number stands, every frame that was found
 * is still there, the page-table pages as well as the last. What was read otherwise is thrown away
 * and the copy starts again; what is written is written with a reference to the frame, taken before
 * the number was compared. Each new round needs a change by another CPU, which costs that CPU more.
 */
#include <hypercall.h>
#include <page.h>
#include <paging.h>
#include <regs.h>
#include <string.h>
#include <virt.h>

#define CR4_LA57 BIT(12)

/* One look at an address space. */
struct view {
	struct domain *d;
	u64 changes;
	struct pt_cursor at;
};

static inline void view_open(struct view *w, struct domain *d)
{
	w->d = d;
	w->changes = load_acquire(&d->p2m.changes);
	w->at.root = d->p2m.root;
	w->at.region = ~0ULL;
}

static inline bool view_holds(const struct view *w)
{
	barrier(); /* loads are not reordered (APM2 7.2) */
	return READ_ONCE(w->d->p2m.changes) == w->changes;
}

static inline bool view_is_identity(const struct view *w, gfn_t g)
{
	return w->d->control && page_is_identity(gfn_x(g));
}

/* The frame behind g; false where there is none, or a device. */
static inline bool view_find(struct view *w, gfn_t g, mfn_t *m)
{
	enum p2m_type type;

	*m = mfn(gfn_x(g));
	if (view_is_identity(w, g))
		return true;
	*m = p2m_at(&w->at, g, &type);
	return type != P2M_NONE && type != P2M_MMIO;
}

static inline size_t offset_in_page(gpa_t at)
{
	return gpa_x(at) & (PAGE_SIZE - 1);
}

static inline int view_read(struct view *w, gpa_t at, void *buf, size_t n)
{
	const u8 *p;
	mfn_t m;

	if (unlikely(!view_find(w, gpa_to_gfn(at), &m)))
		return -EFAULT;
	p = page_map(m);
	memcpy(buf, p + offset_in_page(at), n);
	page_unmap(p);
	return 0;
}

static inline void frame_write(mfn_t m, size_t offset, const void *buf, size_t n)
{
	u8 *p = page_map(m);

	memcpy(p + offset, buf, n);
	page_unmap(p);
}

/* A reference to the frame at g, if it may be written. */
static int view_get(struct view *w, gfn_t g, mfn_t *m)
{
	enum p2m_type type;

	*m = p2m_at(&w->at, g, &type);
	if (likely(type == P2M_RAM))
		return page_get(*m, w->d) ? 0 : -EFAULT;
	return p2m_get_page(w->d, g, true, m);
}

/* -EAGAIN: not done, because the view does not hold any more. */
static int view_write(struct view *w, gpa_t at, const void *buf, size_t n)
{
	mfn_t m = mfn(gfn_x(gpa_to_gfn(at)));
	int rc = 0;

	if (view_is_identity(w, gpa_to_gfn(at))) {
		frame_write(m, offset_in_page(at), buf, n);
		return 0;
	}
	if (view_get(w, gpa_to_gfn(at), &m))
		return -EFAULT;
	if (likely(view_holds(w)))
		frame_write(m, offset_in_page(at), buf, n);
	else
		rc = -EAGAIN;
	page_put(m);
	return rc;
}

/* --- guest-physical ---------------------------------------------------------- */

/* [at, at + n) does not wrap around. n may be 0. */
static bool range_ok(u64 at, size_t n)
{
	return !n || at + (n - 1) >= at;
}

static int gpa_copy_part(struct domain *d, gpa_t at, void *buf, size_t n, bool write)
{
	struct view w;
	int rc;

	do {
		view_open(&w, d);
		rc = write ? view_write(&w, at, buf, n) : view_read(&w, at, buf, n);
		if (write && !rc)
			break;
	} while (unlikely(!view_holds(&w)));
	return rc;
}

static int gpa_copy(struct domain *d, gpa_t at, void *buf, size_t n, bool write)
{
	if (!range_ok(gpa_x(at), n))
		return -EFAULT;
	while (n) {
		size_t part = min(n, PAGE_SIZE - offset_in_page(at));

		if (gpa_copy_part(d, at, buf, part, write))
			return -EFAULT;
		at = gpa(gpa_x(at) + part);
		buf = (u8 *)buf + part;
		n -= part;
	}
	return 0;
}

/* The commonest case of both: within one frame of the control domain's RAM. */
static __inline_always u8 *identity_at(const struct domain *d, gpa_t at, size_t n)
{
	if (!d->control || n > PAGE_SIZE - offset_in_page(at) ||
	    !page_is_identity(gfn_x(gpa_to_gfn(at))))
		return NULL;
	return (u8 *)page_map(mfn(gfn_x(gpa_to_gfn(at)))) + offset_in_page(at);
}

int copy_from_gpa(struct domain *d, void *to, gpa_t from, size_t n)
{
	u8 *p = identity_at(d, from, n);

	if (likely(p)) {
		if (n == sizeof(u32)) /* a port */
			*(u32 *)to = READ_ONCE(*(u32 *)p);
		else
			memcpy(to, p, n);
		page_unmap(p);
		return 0;
	}
	return gpa_copy(d, from, to, n, false);
}

int copy_to_gpa(struct domain *d, gpa_t to, const void *from, size_t n)
{
	u8 *p = identity_at(d, to, n);

	if (likely(p)) {
		memcpy(p, from, n);
		page_unmap(p);
		return 0;
	}
	return gpa_copy(d, to, (void *)from, n, true);
}

/* --- guest-virtual ------------------------------------------------------------ */

/* How the current vCPU translates, for reading or writing. */
struct space {
	const struct pt_format *f; /* NULL: without paging */
	u64 root, need;
};

/*
 * The caller's tables are walked with supervisor rights: a hypercall comes from CPL 0, its pointers
 * may be a user's, and SMAP is the guest's own guard against itself. NX does not matter to data.
 */
static __inline_always void space_of(const struct vcpu *v, bool write, struct space *s)
{
	struct guest_mode m;

	virt->mode(v, &m);
	s->need = write && (m.cr0 & CR0_WP) ? PTE_P | PTE_W : PTE_P;
	if (likely(m.efer & EFER_LMA)) {
		s->f = m.cr4 & CR4_LA57 ? &pt_guest_la57 : &pt_guest_64;
		s->root = m.cr3 & PTE_ADDR;
	} else if (!(m.cr0 & CR0_PG)) {
		s->f = NULL;
		s->root = 0;
	} else if (m.cr4 & CR4_PAE) {
		s->f = &pt_guest_pae;
		s->root = m.cr3 & 0xffffffe0;
	} else {
		s->f = &pt_guest_32;
		s->root = m.cr3 & 0xfffff000;
	}
}

/* A table entry, in one load: the guest may be changing it. */
static __inline_always int read_entry(void *view, gpa_t at, void *entry, u32 bytes)
{
	const u8 *p;
	mfn_t m;

	if (unlikely(!view_find(view, gpa_to_gfn(at), &m)))
		return -EFAULT;
	p = page_map(m);
	if (likely(bytes == 8))
		*(u64 *)entry = READ_ONCE(*(const u64 *)(p + offset_in_page(at)));
	else
		*(u32 *)entry = READ_ONCE(*(const u32 *)(p + offset_in_page(at)));
	page_unmap(p);
	return 0;
}

static __inline_always int space_walk(const struct space *s, struct view *w, u64 va, gpa_t *out,
                                      u64 *left)
{
	if (likely(s->f == &pt_guest_64)) {
		if (!va_canonical(va))
			return -EFAULT;
		return pt_walk_long(4, s->root, va, s->need, read_entry, w, out, left);
	}
	if (s->f)
		return pt_walk_guest(s->f, gpa(s->root), va, s->need, read_entry, w, out, left);
	if (va >> 32)
		return -EFAULT;
	*out = gpa(va);
	*left = PAGE_SIZE - (va & (PAGE_SIZE - 1));
	return 0;
}

int guest_translate(struct vcpu *v, u64 va, bool write, gpa_t *out, u64 *left)
{
	struct space s;
	struct view w;
	int rc;

	space_of(v, write, &s);
	do {
		view_open(&w, v->domain);
		rc = space_walk(&s, &w, va, out, left);
	} while (unlikely(!view_holds(&w)));
	return rc;
}

/* What of [at, at + *n) lies in one page; *n: how much that was. */
static inline int guest_copy_part(struct domain *d, const struct space *s, u64 at, void *buf,
                                  size_t *n, bool write)
{
	size_t part = 0;
	struct view w;
	gpa_t where;
	u64 left;
	int rc;

	do {
		view_open(&w, d);
		rc = space_walk(s, &w, at, &where, &left);
		if (rc)
			continue;
		part = min(*n, left);
		if (write) {
			rc = view_write(&w, where, buf, part);
			if (!rc)
				break;
		} else {
			rc = view_read(&w, where, buf, part);
		}
	} while (unlikely(!view_holds(&w)));
	if (!rc)
		*n = part;
	return rc;
}

static __inline_always int guest_copy(u64 at, void *buf, size_t n, bool write)
{
	struct vcpu *v = current_vcpu();
	struct space s;
	size_t part;

	if (!range_ok(at, n))
		return -EFAULT;
	space_of(v, write, &s);
	for (; n; n -= part, at += part, buf = (u8 *)buf + part) {
		part = n;
		if (guest_copy_part(v->domain, &s, at, buf, &part, write))
			return -EFAULT;
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
