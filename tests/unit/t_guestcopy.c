/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copies to and from a guest: its tables in every format, pages anywhere in the machine, faults at
 * every byte, an address space that changes meanwhile, the control domain's shortcut.
 *
 * files: hypervisor/core/guestcopy.c hypervisor/arch/x86/paging.c
 */
#include "harness.h"
#include <hypercall.h>
#include <page.h>
#include <paging.h>
#include <stdlib.h>
#include <string.h>
#include <virt.h>

#define RAM     (64 * MIB)
#define TABLES  (32 * MIB) /* nested and guest tables come from above */
#define CR0_PE  BIT(0)
#define CR0_WP  BIT(16)
#define CR0_PG  BIT(31)
#define CR4_PAE BIT(5)
#define LA57    BIT(12)
#define LMA     BIT(10)

struct page *page_table;
u64 page_max = RAM / PAGE_SIZE;
u64 page_hole_start, page_hole;
struct domain *control_domain;
static struct domain dom;
static struct vcpu vcpu;
static struct guest_mode mode;
static u64 next_table;
static long references;
static u32 gets;

static void get_mode(const struct vcpu *v, struct guest_mode *m)
{
	CHECK(v == &vcpu);
	*m = mode;
}

static const struct virt_ops ops = { .mode = get_mode };
const struct virt_ops *virt = &ops;

/* Something to do when a reference is taken: between the look and the write. */
static void (*meanwhile)(void);

bool page_get(mfn_t m, struct domain *d)
{
	void (*fn)(void) = meanwhile;

	CHECK(d == &dom || !d);
	references++;
	gets++;
	meanwhile = NULL;
	if (fn)
		fn();
	return true;
}

void page_put(mfn_t m)
{
	references--;
}

static mfn_t table_alloc(void *ctx)
{
	next_table += PAGE_SIZE;
	memset(paddr_to_virt(next_table), 0, PAGE_SIZE);
	return paddr_to_mfn(next_table);
}

static void table_free(void *ctx, mfn_t m)
{
}

static struct pt_pool pool = { table_alloc, table_free, NULL };

/* Frames that are not the domain's RAM: only reads, or with the lock that this stands for. */
int p2m_get_page(struct domain *d, gfn_t g, bool write, mfn_t *out)
{
	struct pt_leaf leaf = pt_lookup(&pt_npt, d->p2m.root, gfn_x(g) << PAGE_SHIFT);
	u64 type = (leaf.entry & PTE_SW_MASK) >> PTE_SW_SHIFT;

	CHECK(write);
	*out = paddr_to_mfn(leaf.entry & PTE_ADDR);
	if (type == P2M_FOREIGN || type == P2M_GRANT_RW)
		references++;
	return type == P2M_FOREIGN || type == P2M_GRANT_RW || type == P2M_SHARED ? 0 : -EFAULT;
}

/* Guest frame g lies at frame m. */
static void map(u64 g, u64 m, enum p2m_type type)
{
	u64 flags = PTE_P | PTE_W | PTE_U | (u64)type << PTE_SW_SHIFT;

	if (type == P2M_NONE)
		pt_unmap(&pt_npt, &pool, dom.p2m.root, g << PAGE_SHIFT, PAGE_SIZE);
	else
		pt_map(&pt_npt, &pool, dom.p2m.root, g << PAGE_SHIFT, m << PAGE_SHIFT, PAGE_SIZE,
		       flags, MEM_WB, 0);
	dom.p2m.changes++;
}

/* Guest-physical memory is the machine's, in another order, so that no mix-up goes unseen. */
#define FRAMES 1024
static u64 where(u64 g)
{
	return 256 + (g * 37 + 11) % FRAMES;
}

static u8 *ram(u64 at)
{
	return (u8 *)paddr_to_virt(where(at >> PAGE_SHIFT) << PAGE_SHIFT) + (at & (PAGE_SIZE - 1));
}

static void setup(void)
{
	unit_ram_init(RAM);
	free(page_table);
	page_table = calloc(page_max, sizeof(*page_table));
	memset(&dom, 0, sizeof(dom));
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.domain = &dom;
	((struct cpu *)unit_this_cpu)->current = &vcpu;
	next_table = TABLES;
	dom.p2m.root = mfn_to_paddr(table_alloc(NULL));
	for (u64 g = 0; g < FRAMES; g++)
		map(g, where(g), P2M_RAM);
	references = 0;
}

/* --- guest tables -------------------------------------------------------------- */

static u64 guest_next; /* guest frames for tables, from 512 up */

static u64 guest_table(void)
{
	u64 at = guest_next++ << PAGE_SHIFT;

	memset(ram(at), 0, PAGE_SIZE);
	return at;
}

static void set_entry(const struct pt_format *f, u64 at, u64 e)
{
	memcpy(ram(at), &e, f->entry_bytes);
}

static u64 get_entry(const struct pt_format *f, u64 at)
{
	u64 e = 0;

	memcpy(&e, ram(at), f->entry_bytes);
	return e;
}

/* Map one page at `level` (0: 4 KiB); where its entry is. */
static u64 guest_map(const struct pt_format *f, u64 va, u64 pa, u64 flags, u32 level)
{
	u64 table = mode.cr3, at = 0;
	u32 shift = f->va_bits;

	for (u32 l = f->levels; l-- > 0;) {
		shift -= f->bits[l];
		at = table + (va >> shift & (BIT(f->bits[l]) - 1)) * f->entry_bytes;
		if (l == level)
			break;
		if (!(get_entry(f, at) & PTE_P))
			set_entry(f, at,
			          guest_table() |
			                  (f == &pt_guest_pae && l == 2 ? PTE_P
			                                                : PTE_P | PTE_W | PTE_U));
		table = get_entry(f, at) & PTE_ADDR;
	}
	set_entry(f, at, pa | flags | (level ? PTE_PS : 0));
	return at;
}

static void use(const struct pt_format *f)
{
	setup();
	guest_next = 512;
	mode = (struct guest_mode){ .cr0 = CR0_PE | CR0_PG | CR0_WP };
	if (f->levels >= 3)
		mode.cr4 = CR4_PAE;
	if (f->levels >= 4)
		mode.efer = LMA;
	if (f->levels == 5)
		mode.cr4 |= LA57;
	mode.cr3 = guest_table();
}

/* Some of the bits of CR3 that are no address. */
static void dirty_cr3(const struct pt_format *f)
{
	mode.cr3 |= f->levels == 3 ? 0x18 : 0x19;
}

static void expect_read(u64 va, u64 pa, size_t n)
{
	u8 got[3 * PAGE_SIZE];

	memset(got, 0, sizeof(got));
	CHECK_EQ(copy_from_guest(got, va, n), 0);
	for (size_t i = 0; i < n; i++)
		if (got[i] != *ram(pa + i)) {
			CHECK_EQ(got[i], *ram(pa + i));
			return;
		}
}

/* Fill guest memory with what differs from page to page. */
static void paint(u64 from, u64 to)
{
	for (u64 a = from; a < to; a++)
		*ram(a) = (u8)(a ^ a >> 12 ^ 0x5a);
}

static void test_format(const struct pt_format *f, u64 va)
{
	u64 entry, pa = 16 * PAGE_SIZE;
	u8 buf[2 * PAGE_SIZE];

	use(f);
	paint(0, 64 * PAGE_SIZE);
	/* Three pages, in the guest's own disorder: not next to each other in guest-physical,
	 * either. */
	guest_map(f, va, pa, PTE_P | PTE_W, 0);
	entry = guest_map(f, va + PAGE_SIZE, pa + 7 * PAGE_SIZE, PTE_P | PTE_W | PTE_U, 0);
	dirty_cr3(f);
	expect_read(va, pa, PAGE_SIZE);
	expect_read(va + 100, pa + 100, 8);
	CHECK_EQ(copy_from_guest(buf, va + PAGE_SIZE - 3, 6), 0);
	CHECK(!memcmp(buf, ram(pa + PAGE_SIZE - 3), 3) &&
	      !memcmp(buf + 3, ram(pa + 7 * PAGE_SIZE), 3));

	/* Writes, across the pages; nothing beside them. */
	memset(buf, 0xee, sizeof(buf));
	CHECK_EQ(copy_to_guest(va + PAGE_SIZE - 2, buf, 5), 0);
	CHECK(*ram(pa + PAGE_SIZE - 3) != 0xee && *ram(pa + PAGE_SIZE - 2) == 0xee &&
	      *ram(pa + 7 * PAGE_SIZE + 2) == 0xee && *ram(pa + 7 * PAGE_SIZE + 3) != 0xee);
	CHECK_EQ(references, 0);

	/* Read-only: a write fails, unless the guest has WP off. */
	set_entry(f, entry, (pa + 7 * PAGE_SIZE) | PTE_P);
	CHECK_EQ(copy_to_guest(va + PAGE_SIZE, buf, 1), -EFAULT);
	CHECK_EQ(copy_to_guest(va + PAGE_SIZE - 2, buf, 5), -EFAULT);
	expect_read(va + PAGE_SIZE, pa + 7 * PAGE_SIZE, 10);
	mode.cr0 &= ~CR0_WP;
	CHECK_EQ(copy_to_guest(va + PAGE_SIZE, buf, 1), 0);
	mode.cr0 |= CR0_WP;

	/* Not there, wholly or from any byte on; of no bytes nothing is asked. */
	set_entry(f, entry, (pa + 7 * PAGE_SIZE) | PTE_W);
	for (u64 i = 0; i < 16; i++) {
		s64 want = i < 8 ? -EFAULT : 0;

		CHECK_EQ(copy_from_guest(buf, va + PAGE_SIZE - 1 - i, 9), want);
		CHECK_EQ(copy_to_guest(va + PAGE_SIZE - 1 - i, buf, 9), want);
	}
	CHECK_EQ(copy_from_guest(buf, va + PAGE_SIZE, 0), 0);
	CHECK_EQ(copy_from_guest(buf, 0x123456789abcdef0, 0), 0);
	CHECK_EQ(references, 0);
}

static void test_large(const struct pt_format *f, u64 va, u32 level)
{
	u64 size = PAGE_SIZE << (level * f->bits[0]), at = size > 4 * MIB ? 0 : size % (4 * MIB);

	use(f);
	paint(0, 64 * PAGE_SIZE);
	va &= ~(size - 1);
	guest_map(f, va, at & ~(size - 1), PTE_P | PTE_W, level);
	expect_read(va + 5 * PAGE_SIZE - 4, (at & ~(size - 1)) + 5 * PAGE_SIZE - 4, 8);
	expect_read(va, at & ~(size - 1), 2 * PAGE_SIZE);
}

static void test_canonical(void)
{
	u64 top = 0xffffffffffffffffULL;
	u8 b[32];

	use(&pt_guest_64);
	for (u64 p = 0; p < 2; p++) {
		guest_map(&pt_guest_64, 0x7ffffffff000 - p * PAGE_SIZE, p * PAGE_SIZE,
		          PTE_P | PTE_W, 0);
		guest_map(&pt_guest_64, 0xffff800000000000 + p * PAGE_SIZE, p * PAGE_SIZE,
		          PTE_P | PTE_W, 0);
		guest_map(&pt_guest_64, top - (p + 1) * PAGE_SIZE + 1, p * PAGE_SIZE, PTE_P | PTE_W,
		          0);
		guest_map(&pt_guest_64, p * PAGE_SIZE, p * PAGE_SIZE, PTE_P | PTE_W, 0);
	}
	CHECK_EQ(copy_from_guest(b, 0x7fffffffffff, 1), 0);
	CHECK_EQ(copy_from_guest(b, 0x7fffffffffff, 2), -EFAULT);
	CHECK_EQ(copy_to_guest(0x7ffffffffff8, b, 9), -EFAULT);
	CHECK_EQ(copy_from_guest(b, 0x800000000000, 1), -EFAULT);
	CHECK_EQ(copy_from_guest(b, 0x1000000000000, 1), -EFAULT); /* would be page 0 */
	CHECK_EQ(copy_from_guest(b, 0xffff7fffffffffff, 1), -EFAULT);
	CHECK_EQ(copy_from_guest(b, 0xffff7fffffffffff, 2), -EFAULT);
	CHECK_EQ(copy_from_guest(b, 0xffff800000000000, 1), 0);
	CHECK_EQ(copy_from_guest(b, top, 1), 0);
	CHECK_EQ(copy_from_guest(b, top, 2), -EFAULT); /* does not go on at 0 */
	CHECK_EQ(copy_from_guest(b, top - 15, 16), 0);
	CHECK_EQ(copy_from_guest(b, top - 15, 17), -EFAULT);
	CHECK_EQ(copy_to_guest(top - 15, b, 32), -EFAULT);

	use(&pt_guest_la57);
	guest_map(&pt_guest_la57, 0x800000000000, 0, PTE_P, 0);
	CHECK_EQ(copy_from_guest(b, 0x800000000000, 1), 0);
	CHECK_EQ(copy_from_guest(b, 0x200000000000000, 1), -EFAULT);

	use(&pt_guest_pae);
	CHECK_EQ(copy_from_guest(b, 1ULL << 32, 1), -EFAULT);
}

/* Before paging an address is guest-physical. */
static void test_unpaged(void)
{
	u8 b[16];

	use(&pt_guest_32);
	paint(0, 8 * PAGE_SIZE);
	mode.cr0 = CR0_PE;
	expect_read(3 * PAGE_SIZE - 5, 3 * PAGE_SIZE - 5, 10);
	CHECK_EQ(copy_from_guest(b, (1ULL << 32) + 16, 1), -EFAULT);
	CHECK_EQ(copy_from_guest(b, (1ULL << 32) - 1, 2), -EFAULT);
}

/* Tables and pages of each kind, and where there is none. */
static void test_types(void)
{
	static const struct {
		enum p2m_type type;
		bool read, write;
	} kinds[] = {
		{ P2M_NONE, false, false },    { P2M_RAM, true, true },
		{ P2M_MMIO, false, false },    { P2M_SHARED, true, true },
		{ P2M_FOREIGN, true, true },   { P2M_GRANT_RW, true, true },
		{ P2M_GRANT_RO, true, false }, { P2M_ONES, true, false },
	};
	u8 b[8] = { 1, 2, 3 };
	u64 at;

	use(&pt_guest_64);
	guest_map(&pt_guest_64, 0x5000, 9 * PAGE_SIZE, PTE_P | PTE_W, 0);
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		map(9, where(9), kinds[i].type);
		CHECK_EQ(copy_from_guest(b, 0x5010, 8), kinds[i].read ? 0 : -EFAULT);
		CHECK_EQ(copy_to_guest(0x5010, b, 8), kinds[i].write ? 0 : -EFAULT);
		CHECK_EQ(copy_from_gpa(&dom, b, gpa(9 * PAGE_SIZE + 5), 3),
		         kinds[i].read ? 0 : -EFAULT);
		CHECK_EQ(copy_to_gpa(&dom, gpa(9 * PAGE_SIZE + 5), b, 3),
		         kinds[i].write ? 0 : -EFAULT);
		references = 0; /* shared frames are put, and were never taken */
	}
	map(9, where(9), P2M_RAM);
	CHECK_EQ(copy_from_guest(b, 0x5010, 8), 0);
	/* A table in a hole, in a device, beyond all addresses. */
	at = guest_map(&pt_guest_64, 0x40000000, 0, PTE_P, 0);
	map(at >> PAGE_SHIFT, 0, P2M_NONE);
	CHECK_EQ(copy_from_guest(b, 0x40000000, 1), -EFAULT);
	map(at >> PAGE_SHIFT, where(at >> PAGE_SHIFT), P2M_MMIO);
	CHECK_EQ(copy_from_guest(b, 0x40000000, 1), -EFAULT);
	map(at >> PAGE_SHIFT, where(at >> PAGE_SHIFT), P2M_RAM);
	CHECK_EQ(copy_from_guest(b, 0x40000000, 1), 0);
	set_entry(&pt_guest_64, at, 0x000ffffffffff000 | PTE_P);
	CHECK_EQ(copy_from_guest(b, 0x40000000, 1), -EFAULT);
	set_entry(&pt_guest_64, at, 1ULL << 51 | PTE_P); /* not page 0, whatever four levels map */
	CHECK_EQ(copy_from_guest(b, 0x40000000, 1), -EFAULT);
	mode.cr3 = 1ULL << 50;
	CHECK_EQ(copy_from_guest(b, 0x5010, 1), -EFAULT);
	CHECK_EQ(copy_from_gpa(&dom, b, gpa(~0ULL - 3), 4), -EFAULT);
	CHECK_EQ(copy_from_gpa(&dom, b, gpa(~0ULL - 3), 8), -EFAULT);
	CHECK_EQ(copy_to_gpa(&dom, gpa(2 * PAGE_SIZE - 4), b, 8), 0);
	CHECK_EQ(*ram(2 * PAGE_SIZE + 3), b[7]);
}

/* --- the address space changes ------------------------------------------------------ */

static void move_page(void)
{
	map(9, 2000, P2M_RAM);
}

static void take_page(void)
{
	map(9, 0, P2M_NONE);
}

static void test_changes(void)
{
	u8 b[8] = { 0xaa, 0xbb };

	use(&pt_guest_64);
	guest_map(&pt_guest_64, 0x5000, 9 * PAGE_SIZE, PTE_P | PTE_W, 0);
	*ram(9 * PAGE_SIZE) = 0;
	gets = 0;
	meanwhile = move_page;
	CHECK_EQ(copy_to_guest(0x5000, b, 2), 0);
	CHECK_EQ(gets, 2); /* the first look was thrown away */
	CHECK_EQ(*ram(9 * PAGE_SIZE), 0);
	CHECK_EQ(*(u8 *)paddr_to_virt(2000 * PAGE_SIZE), 0xaa);
	CHECK_EQ(references, 0);

	meanwhile = take_page;
	b[0] = 0xcc;
	CHECK_EQ(copy_to_guest(0x5000, b, 2), -EFAULT);
	CHECK_EQ(*(u8 *)paddr_to_virt(2000 * PAGE_SIZE), 0xaa);
	CHECK_EQ(references, 0);
	map(9, where(9), P2M_RAM);
	meanwhile = move_page;
	CHECK_EQ(copy_to_gpa(&dom, gpa(9 * PAGE_SIZE), b, 2), 0);
	CHECK_EQ(*(u8 *)paddr_to_virt(2000 * PAGE_SIZE), 0xcc);
	CHECK_EQ(references, 0);
}

/* --- the control domain --------------------------------------------------------------- */

/* Its own RAM is used where it is; what covers a parked frame is found in the nested tables. */
static void test_identity(void)
{
	u8 b[4] = { 7, 7, 7, 7 };

	setup();
	dom.control = true;
	mode = (struct guest_mode){ .cr0 = CR0_PE };
	for (u64 n = 300; n < 303; n++)
		page_table[n].state = PAGE_DOMAIN;
	gets = 0;
	CHECK_EQ(copy_to_guest(300 * PAGE_SIZE + 4094, b, 4), 0);
	CHECK_EQ(gets, 0);
	CHECK_EQ(*(u8 *)paddr_to_virt(301 * PAGE_SIZE + 1), 7);
	CHECK_EQ(copy_from_guest(b, 300 * PAGE_SIZE + 4094, 4), 0);
	CHECK_EQ(b[3], 7);

	page_table[301].flags = PAGE_PARKED;
	*ram(301 * PAGE_SIZE) = 0;
	CHECK_EQ(copy_to_guest(301 * PAGE_SIZE, b, 1), 0);
	CHECK_EQ(*ram(301 * PAGE_SIZE), 7);
	map(301, 0, P2M_NONE);
	CHECK_EQ(copy_to_guest(301 * PAGE_SIZE, b, 1), -EFAULT);
	CHECK_EQ(copy_from_guest(b, 301 * PAGE_SIZE - 1, 2), -EFAULT);
	/* Somebody else's frame of that number is no business of it. */
	page_table[302].owner = 3;
	map(302, 0, P2M_NONE);
	CHECK_EQ(copy_from_guest(b, 302 * PAGE_SIZE, 1), -EFAULT);
	page_table[302].owner = 0;
	page_table[302].state = PAGE_HYPERVISOR;
	CHECK_EQ(copy_from_guest(b, 302 * PAGE_SIZE, 1), -EFAULT);
	CHECK_EQ(copy_from_guest(b, RAM, 1), -EFAULT); /* behind the frame table */
}

static void test_translate(void)
{
	gpa_t out;
	u64 left;

	use(&pt_guest_64);
	guest_map(&pt_guest_64, 0x5000, 9 * PAGE_SIZE, PTE_P, 0);
	CHECK_EQ(guest_translate(&vcpu, 0x5ffc, false, &out, &left), 0);
	CHECK_EQ(gpa_x(out), 9 * PAGE_SIZE + 0xffc);
	CHECK_EQ(left, 4);
	CHECK_EQ(guest_translate(&vcpu, 0x5ffc, true, &out, &left), -EFAULT);
	CHECK_EQ(guest_translate(&vcpu, 0x6000, false, &out, &left), -EFAULT);
}

void unit_main(void)
{
	test_format(&pt_guest_64, 0xffff888012345000);
	test_format(&pt_guest_64, 0x7fff00001000);
	test_format(&pt_guest_la57, 0xff11000012345000);
	test_format(&pt_guest_pae, 0xc0123000);
	test_format(&pt_guest_32, 0xc0123000);
	test_large(&pt_guest_64, 0xffff888000000000, 1);
	test_large(&pt_guest_64, 0xffff888000000000, 2);
	test_large(&pt_guest_la57, 0xff11000000000000, 2);
	test_large(&pt_guest_pae, 0x80000000, 1);
	test_large(&pt_guest_32, 0x80000000, 1);
	test_canonical();
	test_unpaged();
	test_types();
	test_changes();
	test_identity();
	test_translate();
	free(page_table);
}
