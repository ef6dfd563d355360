/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain's guest-physical address space: its nested page tables and what a miss in them means.
 *
 * Locking: p2m->lock serialises changes; it nests inside of domain->lock and outside of the page
 * allocator's. Lookups take no lock: an entry is one 64-bit word and tables live as long as the
 * domain.
 */
#include <domain.h>
#include <p2m.h>
#include <page.h>
#include <printk.h>
#include <string.h>

/* A and D set from the start: nobody looks at them yet, and the CPU need not write them then. */
#define LEAF_RO  (PTE_P | PTE_U | PTE_A)
#define LEAF_RW  (LEAF_RO | PTE_W | PTE_D)
#define GFN_BITS 36 /* four levels translate 48 bits */

/*
 * What each type lets the guest do. Only the domain's own RAM and, because firmware tables and
 * option ROMs of the machine may hold code, the control domain's device memory can be executed.
 */
static const u64 type_flags[] = {
	[P2M_RAM] = LEAF_RW,
	[P2M_MMIO] = LEAF_RW,
	[P2M_SHARED] = LEAF_RW | PTE_NX,
	[P2M_FOREIGN] = LEAF_RW | PTE_NX,
	[P2M_GRANT_RW] = LEAF_RW | PTE_NX,
	[P2M_GRANT_RO] = LEAF_RO | PTE_NX,
	[P2M_ONES] = LEAF_RO | PTE_NX,
};

static mfn_t pool_alloc(void *ctx)
{
	struct p2m *p = ctx;
	mfn_t m = INVALID_MFN;

	if (p->table_pages < p->table_pages_max)
		m = page_alloc(0);
	if (mfn_valid_box(m))
		p->table_pages++;
	return m;
}

static void pool_free(void *ctx, mfn_t m)
{
	struct p2m *p = ctx;

	p->table_pages--;
	page_free(m, 0);
}

#define TABLES_FIRST 256 /* of a guest, until its memory is known; Xen's number */

/*
 * The pool of a guest: two frames for each 2 MiB of its RAM, because any of it may end up in 4 KiB
 * entries and holes cost tables as well, and some for addresses above RAM.
 */
void p2m_pool_for(struct domain *d, u64 pages)
{
	WRITE_ONCE(d->p2m.table_pages_max, max(d->p2m.table_pages_max, 64 + pages / 256));
}

int p2m_init(struct domain *d)
{
	struct p2m *p = &d->p2m;
	mfn_t root;

	p->pool = (struct pt_pool){ .alloc = pool_alloc, .free = pool_free, .ctx = p };
	p->table_pages_max = d->control ? ~0ULL : TABLES_FIRST;
	p->max_gfn = 0;
	d->ones = INVALID_MFN;
	root = pool_alloc(p);
	if (!mfn_valid_box(root))
		return -ENOMEM;
	p->root = mfn_to_paddr(root);
	return 0;
}

static enum p2m_type leaf_type(u64 e)
{
	return (e & PTE_SW_MASK) >> PTE_SW_SHIFT;
}

static mfn_t leaf_mfn(struct pt_leaf leaf, gfn_t g)
{
	u64 inside = BIT(9 * leaf.level) - 1;

	return mfn(((leaf.entry & PTE_ADDR) >> PAGE_SHIFT & ~inside) | (gfn_x(g) & inside));
}

static struct pt_leaf lookup(const struct domain *d, gfn_t g)
{
	if (gfn_x(g) >> GFN_BITS)
		return (struct pt_leaf){ 0 };
	return pt_lookup(&pt_npt, d->p2m.root, gfn_x(g) << PAGE_SHIFT);
}

mfn_t p2m_lookup(const struct domain *d, gfn_t g, enum p2m_type *type)
{
	struct pt_leaf leaf = lookup(d, g);

	*type = leaf_type(leaf.entry);
	return leaf.entry ? leaf_mfn(leaf, g) : INVALID_MFN;
}

/* Frames that somebody else may take away: the reference must be taken before the entry can go. */
static int get_foreign(struct domain *d, gfn_t g, bool write, mfn_t *out)
{
	enum p2m_type type;
	int rc = -EFAULT;

	spin_lock(&d->p2m.lock);
	*out = p2m_lookup(d, g, &type);
	if ((type == P2M_FOREIGN || type == P2M_GRANT_RW || (type == P2M_GRANT_RO && !write)) &&
	    page_get(*out, NULL))
		rc = 0;
	spin_unlock(&d->p2m.lock);
	return rc;
}

int p2m_get_page(struct domain *d, gfn_t g, bool write, mfn_t *out)
{
	enum p2m_type type;

	*out = p2m_lookup(d, g, &type);
	switch (type) {
	case P2M_RAM:
		/* Its own frame whatever the entry says by now, or page_get() refuses. */
		return page_get(*out, d) ? 0 : -EFAULT;
	case P2M_SHARED:
		/* Those that are not counted stay as long as the domain. */
		page_get(*out, NULL);
		return 0;
	case P2M_ONES:
		return write ? -EFAULT : 0;
	case P2M_FOREIGN:
	case P2M_GRANT_RW:
	case P2M_GRANT_RO:
		return get_foreign(d, g, write, out);
	case P2M_NONE:
	case P2M_MMIO:
		break;
	}
	return -EFAULT;
}

static bool gfn_in_range(gfn_t g, u64 frames)
{
	u64 limit = BIT(min((u32)cpu_features.phys_bits - PAGE_SHIFT, (u32)GFN_BITS));

	return gfn_x(g) < limit && frames <= limit - gfn_x(g);
}

int p2m_set_range(struct domain *d, gfn_t g, mfn_t m, u64 frames, enum p2m_type type)
{
	struct p2m *p = &d->p2m;
	int rc;

	ASSERT(spin_is_locked(&p->lock));
	/* Nothing new for one that is being taken apart: see destroy.c. */
	if (!frames || !gfn_in_range(g, frames) || READ_ONCE(d->dying))
		return -EINVAL;
	p->max_gfn = max(p->max_gfn, gfn_x(g) + frames - 1);
	/*
	 * Write-back for devices as well: the nested type is combined with the guest's own PAT and
	 * with the machine's MTRRs, and those two decide (APM2 15.25.8).
	 */
	rc = pt_map(&pt_npt, &p->pool, p->root, gfn_x(g) << PAGE_SHIFT, mfn_to_paddr(m),
	            frames << PAGE_SHIFT, type_flags[type] | (u64)type << PTE_SW_SHIFT, MEM_WB,
	            cpu_features.gib_pages ? 2 : 1);
	store_release(&p->changes, p->changes + 1);
	return rc;
}

int p2m_set(struct domain *d, gfn_t g, mfn_t m, u32 order, enum p2m_type type)
{
	return p2m_set_range(d, g, m, BIT(order), type);
}

int p2m_clear(struct domain *d, gfn_t g, u32 order)
{
	struct p2m *p = &d->p2m;
	int rc;

	ASSERT(spin_is_locked(&p->lock));
	if (!gfn_in_range(g, BIT(order)))
		return -EINVAL;
	rc = pt_unmap(&pt_npt, &p->pool, p->root, gfn_x(g) << PAGE_SHIFT, PAGE_SIZE << order);
	store_release(&p->changes, p->changes + 1);
	return rc;
}

/* --- the end -------------------------------------------------------------- */

/* What one call of p2m_clear_all() does at most: frames of 4 KiB, or tables. */
#define END_BUDGET 256
#define COST_LARGE 16 /* of a larger leaf: its frames are given back at once */

static u32 give_back(void *ctx, u64 va, struct pt_leaf leaf)
{
	struct domain *d = ctx;
	enum p2m_type type = leaf_type(leaf.entry);
	mfn_t m = mfn((leaf.entry & PTE_ADDR) >> PAGE_SHIFT);

	(void)va;
	store_release(&d->p2m.changes, d->p2m.changes + 1);
	if (type == P2M_RAM)
		page_put_block(d, m, 9u * leaf.level);
	else if (type == P2M_FOREIGN)
		page_put(m);
	return leaf.level ? COST_LARGE : 1;
}

struct count_of {
	domid_t owner;
	u64 frames;
};

static u32 count_foreign(void *ctx, u64 va, struct pt_leaf leaf)
{
	enum p2m_type type = leaf_type(leaf.entry);
	struct count_of *of = ctx;
	const struct page *pg;

	if (type != P2M_FOREIGN && type != P2M_GRANT_RW && type != P2M_GRANT_RO)
		return 0;
	pg = mfn_to_page(leaf_mfn(leaf, gfn(va >> PAGE_SHIFT)));
	of->frames += pg->state == PAGE_DOMAIN && pg->owner == of->owner;
	return 0;
}

u64 p2m_count_foreign(const struct domain *d, domid_t owner)
{
	struct count_of of = { .owner = owner };
	struct pt_visit v = { false, INT64_MAX, count_foreign, &of, 0 };

	/* The tables of a dying one may be on their way out. */
	if (!READ_ONCE(d->dying))
		pt_visit(&pt_npt, &v, d->p2m.root);
	return of.frames;
}

bool p2m_clear_all(struct domain *d)
{
	struct pt_visit c = { true, END_BUDGET, give_back, d, d->p2m.cleared };
	bool done;

	spin_lock(&d->p2m.lock);
	done = pt_visit(&pt_npt, &c, d->p2m.root);
	d->p2m.cleared = c.from;
	if (done)
		pt_detach(d->p2m.root);
	spin_unlock(&d->p2m.lock);
	return done;
}

bool p2m_free(struct domain *d)
{
	return pt_free(&pt_npt, &d->p2m.pool, d->p2m.root, END_BUDGET);
}

void p2m_destroy(struct domain *d)
{
	if (!d->p2m.root)
		return;
	while (!p2m_free(d))
		;
	pool_free(&d->p2m, paddr_to_mfn(d->p2m.root));
	d->p2m.root = 0;
	if (mfn_valid_box(d->ones))
		page_free(d->ones, 0);
	BUG_ON(d->p2m.table_pages);
}

/* --- flush ---------------------------------------------------------------- */

/* Whether the CPU may be inside of d, on translations from before the flush was asked for. */
static bool runs_domain(struct cpu *c, const struct domain *d)
{
	struct vcpu *v;

	if (load_acquire(&c->mode) != CPU_GUEST)
		return false;
	v = READ_ONCE(c->current);
	return v && v->domain == d;
}

/*
 * A CPU counts the entry, announces CPU_GUEST and then, behind a full barrier, looks at attention,
 * and if that is set at flush_pending; here the order is the other way round. So either it sees the
 * request before it enters, or it is seen in the guest and made to leave. It need not answer:
 * having left, or begun another entry, is enough.
 */
void domain_flush(struct domain *d)
{
	u64 seen[MAX_CPUS];
	struct cpu *c;

	for (u32 i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i]) {
			WRITE_ONCE(d->vcpu[i]->flush_pending, 1);
			WRITE_ONCE(d->vcpu[i]->attention, 1);
		}
	cpu_mb();
	for (u32 i = 0; i < cpu_count; i++) {
		c = cpus[i];
		seen[i] = READ_ONCE(c->entries);
		if (c != this_cpu() && runs_domain(c, d))
			cpu_kick(c, 0);
	}
	for (u32 i = 0; i < cpu_count; i++) {
		c = cpus[i];
		while (c != this_cpu() && runs_domain(c, d) && READ_ONCE(c->entries) == seen[i])
			cpu_pause();
	}
}

/* --- nested faults -------------------------------------------------------- */

/* Written at boot, read-only then. */
static struct {
	paddr_t start, end;
	const char *name;
} forbidden[64];
static u32 forbidden_count;

void p2m_forbid(paddr_t start, u64 size, const char *name)
{
	if (forbidden_count == ARRAY_SIZE(forbidden))
		boot_fail("too many ranges to withhold from the control domain (%s)\n", name);
	forbidden[forbidden_count].start = ROUND_DOWN(start, PAGE_SIZE);
	forbidden[forbidden_count].end = ROUND_UP(start + size, PAGE_SIZE);
	forbidden[forbidden_count++].name = name;
}

/* RAM of the control domain that it has taken out of its address space: a hole until it is back. */
static bool given_up(gfn_t g)
{
	mfn_t m = mfn(gfn_x(g));

	return mfn_valid(m) && mfn_to_page(m)->state == PAGE_DOMAIN && mfn_to_page(m)->owner == 0;
}

/* Whose the address is, if the control domain must not have it; NULL if it may. */
static const char *withheld(paddr_t at)
{
	for (u32 i = 0; i < forbidden_count; i++)
		if (at >= forbidden[i].start && at < forbidden[i].end)
			return forbidden[i].name;
	if (!gfn_in_range(gfn(at >> PAGE_SHIFT), 1))
		return "beyond what the CPU can address";
	if (!mfn_valid(paddr_to_mfn(at)))
		return NULL;
	switch (mfn_to_page(paddr_to_mfn(at))->state) {
	case PAGE_HYPERVISOR:
		return "the hypervisor's memory";
	case PAGE_DOMAIN:
		return given_up(gfn(at >> PAGE_SHIFT)) ? NULL : "another domain's memory";
	case PAGE_FREE:
		return "memory that it does not own";
	default:
		return NULL;
	}
}

static int map_ones(struct domain *d, gfn_t g)
{
	if (!mfn_valid_box(d->ones)) {
		d->ones = page_alloc(0);
		if (!mfn_valid_box(d->ones))
			return -ENOMEM;
		memset(mfn_to_virt(d->ones), 0xff, PAGE_SIZE);
	}
	return p2m_set(d, g, d->ones, 0, P2M_ONES);
}

/* Under the lock: 0, -EFAULT, or -ENOMEM. */
static int resolve(struct domain *d, gfn_t g, bool write, bool exec)
{
	struct pt_leaf leaf = lookup(d, g);

	if (leaf.entry && !(write && !(leaf.entry & PTE_W)) && !(exec && leaf.entry & PTE_NX))
		return 0; /* another CPU has just mapped it */
	if (leaf.entry)
		return -EFAULT;
	/* 4 KiB at a time: where the device ends is not known, and what follows may be withheld. */
	if (d->control && !given_up(g))
		return p2m_set(d, g, mfn(gfn_x(g)), 0, P2M_MMIO);
	return write || exec ? -EFAULT : map_ones(d, g);
}

int p2m_fault(struct vcpu *v, gpa_t at, bool write, bool exec)
{
	struct domain *d = v->domain;
	gfn_t g = gpa_to_gfn(at);
	const char *whose = NULL;
	int rc = 0;

	spin_lock(&d->p2m.lock);
	if (d->control && !lookup(d, g).entry)
		whose = withheld(gpa_x(at));
	if (!whose)
		rc = resolve(d, g, write, exec);
	spin_unlock(&d->p2m.lock);

	if (whose || rc == -ENOMEM)
		domain_crash(d, "%s of %#llx: %s",
		             exec    ? "execution"
		             : write ? "write"
		                     : "read",
		             (unsigned long long)gpa_x(at),
		             whose ? whose : "no memory for page tables");
	return rc == -EFAULT ? rc : 0;
}
