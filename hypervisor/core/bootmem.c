/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory before the page allocator: a sorted list of free ranges of RAM, served from the top.
 *
 * The boot CPU alone comes here, so there is no lock.
 */
#include <bootmem.h>
#include <page.h>
#include <printk.h>
#include <string.h>

#define LOW_MEMORY (1 * MIB) /* left to the control domain and to the start of other CPUs */

/* Sorted, not touching each other. A few more than the loader's map has: allocations split some. */
struct ranges {
	u32 count;
	struct range r[320];
};

static __initdata struct ranges ram;   /* all RAM of the machine */
static __initdata struct ranges avail; /* what nobody has yet */
static __initdata struct ranges taken; /* by the control domain */
static __initdata bool closed;

/* --- lists of ranges ------------------------------------------------------ */

static __init void insert(struct ranges *l, u32 at, paddr_t start, paddr_t end)
{
	if (start >= end)
		return;
	if (l->count == ARRAY_SIZE(l->r))
		boot_fail("too many ranges in the machine's memory map\n");
	memmove(&l->r[at + 1], &l->r[at], (l->count++ - at) * sizeof(l->r[0]));
	l->r[at] = (struct range){ start, end };
}

static __init void remove(struct ranges *l, u32 at)
{
	memmove(&l->r[at], &l->r[at + 1], (--l->count - at) * sizeof(l->r[0]));
}

/* Put [start, end) in, joining what it touches. */
static __init void add(struct ranges *l, paddr_t start, paddr_t end)
{
	u32 i = 0;

	if (start >= end)
		return;
	while (i < l->count && l->r[i].end < start)
		i++;
	while (i < l->count && l->r[i].start <= end) {
		start = min(start, l->r[i].start);
		end = max(end, l->r[i].end);
		remove(l, i);
	}
	insert(l, i, start, end);
}

static __init void subtract(struct ranges *l, paddr_t start, paddr_t end)
{
	for (u32 i = l->count; i-- > 0;) {
		struct range r = l->r[i];

		if (r.end <= start || end <= r.start)
			continue;
		remove(l, i);
		insert(l, i, end, r.end);
		insert(l, i, r.start, start);
	}
}

static __init u64 sum(const struct ranges *l)
{
	u64 bytes = 0;

	for (u32 i = 0; i < l->count; i++)
		bytes += l->r[i].end - l->r[i].start;
	return bytes;
}

/* --- what is free --------------------------------------------------------- */

static __init struct range module_range(u32 i)
{
	const struct boot_module *m = &boot_info.module[i];

	return (struct range){ ROUND_DOWN(m->start, PAGE_SIZE),
		               ROUND_UP(m->start + m->size, PAGE_SIZE) };
}

bool __init bootmem_is_ram(paddr_t start, paddr_t end)
{
	for (u32 i = 0; i < boot_info.e820_count; i++) {
		const struct e820_entry *e = &boot_info.e820[i];

		if (e->type == E820_RAM && e->addr <= start && start < end &&
		    end <= e->addr + e->size)
			return true;
	}
	return false;
}

void __init bootmem_init(paddr_t image_start, paddr_t image_end)
{
	const struct e820_entry *e;
	struct range m;

	for (u32 i = 0; i < boot_info.e820_count; i++) {
		e = &boot_info.e820[i];
		if (e->type == E820_RAM)
			add(&ram, e->addr, e->addr + e->size);
	}
	avail = ram;
	subtract(&avail, ROUND_DOWN(image_start, PAGE_SIZE), ROUND_UP(image_end, PAGE_SIZE));
	for (u32 i = 0; i < boot_info.module_count; i++) {
		m = module_range(i);
		if (!bootmem_is_ram(m.start, m.end))
			boot_fail("boot module %u at %#lx is empty or not in RAM\n", i + 1,
			          m.start);
		if (m.start < image_end && image_start < m.end)
			boot_fail("boot module %u at %#lx lies over the hypervisor\n", i + 1,
			          m.start);
		subtract(&avail, m.start, m.end);
	}
}

u64 __init bootmem_ram_bytes(void)
{
	return sum(&ram);
}

u64 __init bootmem_free_bytes(void)
{
	return sum(&avail);
}

/* The highest free place below limit; 0 when there is none. */
static __init paddr_t find(u64 size, u64 align, u64 limit)
{
	paddr_t floor = limit > LOW_MEMORY ? LOW_MEMORY : PAGE_SIZE, low, end;

	for (u32 i = avail.count; i-- > 0;) {
		low = max(avail.r[i].start, floor);
		end = min(avail.r[i].end, limit);
		if (end < low || end - low < size)
			continue;
		if (ROUND_DOWN(end - size, align) >= low)
			return ROUND_DOWN(end - size, align);
	}
	return 0;
}

paddr_t __init boot_alloc(u64 size, u64 align, u64 limit)
{
	paddr_t at;

	BUG_ON(closed);
	size = ROUND_UP(size, PAGE_SIZE);
	at = find(size, max(align, PAGE_SIZE), limit ? limit : ~0ULL);
	if (!at)
		boot_fail("out of memory at boot: %lu KiB wanted\n", size / KIB);
	subtract(&avail, at, at + size);
	return at;
}

void __init bootmem_give_back(paddr_t at, u64 size)
{
	BUG_ON(closed);
	add(&avail, at, at + ROUND_UP(size, PAGE_SIZE));
}

/*
 * The upper module first, each into what is free together with its own old place: so the highest
 * place that fits is never below the old one, the copy can only overlap upwards, which memmove
 * does, and room for it is there by definition, however tight memory is.
 */
void __init bootmem_move_modules(void)
{
	u32 first = boot_info.module_count == 2 &&
	            boot_info.module[1].start > boot_info.module[0].start;
	struct boot_module *m;
	struct range old;
	paddr_t to;

	for (u32 i = 0; i < boot_info.module_count; i++) {
		m = &boot_info.module[i ^ first];
		old = module_range(i ^ first);
		add(&avail, old.start, old.end);
		to = boot_alloc(old.end - old.start, PAGE_SIZE, 0) + (m->start - old.start);
		if (to != m->start)
			memmove(paddr_to_virt(to), paddr_to_virt(m->start), m->size);
		m->start = to;
	}
}

u32 __init bootmem_take_low(u64 bytes, struct range *out, u32 max)
{
	struct range r;
	u32 n;

	for (n = 0; n < max && bytes >= PAGE_SIZE && avail.count; n++) {
		r = avail.r[0];
		r.end = min(r.end, r.start + ROUND_DOWN(bytes, PAGE_SIZE));
		subtract(&avail, r.start, r.end);
		add(&taken, r.start, r.end);
		bytes -= r.end - r.start;
		out[n] = r;
	}
	return n;
}

/* --- the end -------------------------------------------------------------- */

/* Place the frame table, without entries for the largest gap between two ranges of RAM. */
static __init void make_frame_table(void)
{
	u64 gap, bytes;

	BUG_ON(!ram.count);
	page_max = ram.r[ram.count - 1].end >> PAGE_SHIFT;
	for (u32 i = 0; i + 1 < ram.count; i++) {
		gap = (ram.r[i + 1].start - ram.r[i].end) >> PAGE_SHIFT;
		if (gap > page_hole) {
			page_hole = gap;
			page_hole_start = ram.r[i].end >> PAGE_SHIFT;
		}
	}
	bytes = (page_max - page_hole) * sizeof(struct page);
	page_table = paddr_to_virt(boot_alloc(bytes, PAGE_SIZE, 0));
	closed = true;
}

void __init bootmem_hand_over(void)
{
	paddr_t end = 0;

	make_frame_table();
	for (u32 i = 0; i < ram.count; i++) {
		if (end >> PAGE_SHIFT != page_hole_start || !page_hole)
			page_set_none(paddr_to_mfn(end), paddr_to_mfn(ram.r[i].start));
		end = ram.r[i].end;
	}
	for (u32 i = 0; i < taken.count; i++) {
		page_set_none(paddr_to_mfn(taken.r[i].start), paddr_to_mfn(taken.r[i].end));
		subtract(&ram, taken.r[i].start, taken.r[i].end);
	}
	for (u32 i = 0; i < avail.count; i++) {
		page_add_free(paddr_to_mfn(avail.r[i].start), paddr_to_mfn(avail.r[i].end));
		subtract(&ram, avail.r[i].start, avail.r[i].end);
	}
	/* What is left: the image, the modules, tables made so far. */
	for (u32 i = 0; i < ram.count; i++)
		page_set_hypervisor(paddr_to_mfn(ram.r[i].start), paddr_to_mfn(ram.r[i].end));
}
