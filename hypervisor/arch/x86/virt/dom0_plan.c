/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decisions about the control domain that need no machine: how much memory, which memory map,
 * where its boot data lie, what its command line says. Pure, so that the tests can try every map.
 */
#include <bootinfo.h>
#include <dom0.h>
#include <string.h>

#define PAGE0_END PAGE_SIZE
#define LOW_MIB   (1 * MIB)
#define FOUR_GIB  (4 * GIB)
#define HOLE_END  (FOUR_GIB - 128 * MIB + PAGE_SIZE)

/* --- memory size ------------------------------------------------------------ */

u64 dom0_memory_size(u64 asked, u64 ram, u64 available)
{
	u64 size = asked ? asked : min(GIB + ram / 16, ram / 2);

	return ROUND_DOWN(min(size, available), PAGE_SIZE);
}

/* --- memory map ------------------------------------------------------------- */

struct map {
	struct e820_entry *e;
	u32 n;
};

static u64 entry_end(const struct e820_entry *e)
{
	return e->addr + e->size;
}

/* Where RAM below 4 GiB ends; 4 GiB or more if RAM crosses it. */
static u64 low_ram_end(const struct dom0_e820_in *in)
{
	u64 end = 0;

	for (u32 i = 0; i < in->machine_count; i++)
		if (in->machine[i].type == E820_RAM && in->machine[i].addr < FOUR_GIB)
			end = entry_end(&in->machine[i]);
	return end;
}

/*
 * What the domain sees at pos, 0: nothing, and up to where. RAM that it does not own is there, but
 * not usable. The BIOS's page it may read and write, but nothing of its own goes there.
 *
 * Everything from low RAM up to the last 128 MiB below 4 GiB (`hole`) that is not an ACPI range
 * becomes RESERVED: Linux looks for unused addresses to map granted and foreign pages at, in
 * aligned chunks of 128 MiB, and would take the base of the PCI window. What is free in the last
 * chunk stays free, for PCI devices that the firmware gave no address.
 */
static u32 type_at(const struct dom0_e820_in *in, u64 hole, u64 pos, u64 *next)
{
	bool own = false, tables, bios, in_hole;
	u32 type = 0;

	*next = ~0ULL;
	tables = range_holds(in->acpi.start, in->acpi.end, pos, next);
	bios = range_holds(0, PAGE0_END, pos, next);
	in_hole = range_holds(hole, HOLE_END, pos, next);
	for (u32 i = 0; i < in->own_count; i++)
		own |= range_holds(in->own[i].start, in->own[i].end, pos, next);
	for (u32 i = 0; i < in->machine_count; i++)
		if (range_holds(in->machine[i].addr, entry_end(&in->machine[i]), pos, next))
			type = in->machine[i].type;

	if (type == E820_RAM)
		return bios ? E820_RESERVED : tables ? E820_ACPI : own ? E820_RAM : E820_UNUSABLE;
	if (type == E820_ACPI || type == E820_NVS)
		return type;
	/* Types that came later mean "not RAM" to those who do not know them. */
	return in_hole || type > E820_UNUSABLE ? E820_RESERVED : type;
}

/* May this entry not be given up to make the map shorter? */
static bool must_keep(const struct dom0_e820_in *in, const struct e820_entry *e)
{
	if (in->acpi.start < entry_end(e) && e->addr < in->acpi.end && e->type == E820_ACPI)
		return true;
	if (e->type != E820_RAM)
		return false;
	/* The kernel starts its other CPUs from a page below 640 KiB. */
	if (e->addr < LOW_MIB)
		return true;
	for (u32 i = 0; i < in->keep_count; i++)
		if (in->keep[i].start < entry_end(e) && e->addr < in->keep[i].end)
			return true;
	return false;
}

static bool is_memory(const struct e820_entry *e)
{
	return e->type == E820_RAM || e->type == E820_UNUSABLE;
}

/*
 * What two neighbours may become together. RAM and UNUSABLE without a gap are UNUSABLE; all else,
 * gaps included, is RESERVED, because devices may have claims in a gap and only those of a
 * RESERVED range can be honoured. Nothing ever becomes RAM that was not.
 */
static u32 joint_type(const struct e820_entry *a, const struct e820_entry *b)
{
	bool gap = entry_end(a) != b->addr;

	if (!gap && a->type == b->type)
		return a->type;
	return !gap && is_memory(a) && is_memory(b) ? E820_UNUSABLE : E820_RESERVED;
}

/* What joining them costs: RAM that is lost and addresses that are blocked, in bytes. */
static u64 joint_cost(const struct dom0_e820_in *in, const struct e820_entry *a,
                      const struct e820_entry *b)
{
	u64 cost = b->addr - entry_end(a);

	if (must_keep(in, a) || must_keep(in, b))
		return ~0ULL;
	if (a->type == b->type && cost == 0)
		return 0;
	if (a->type == E820_RAM)
		cost += a->size;
	if (b->type == E820_RAM)
		cost += b->size;
	if (a->type == E820_ACPI || b->type == E820_ACPI || a->type == E820_NVS ||
	    b->type == E820_NVS)
		cost += PAGE_SIZE;
	return cost + 1;
}

/* Join the cheapest pair of neighbours. False when none may be joined. */
static bool join_one(const struct dom0_e820_in *in, struct map *m)
{
	u64 best_cost = ~0ULL;
	u32 best = 0;
	struct e820_entry *a;

	for (u32 i = 0; i + 1 < m->n; i++) {
		u64 cost = joint_cost(in, &m->e[i], &m->e[i + 1]);

		if (cost < best_cost) {
			best_cost = cost;
			best = i;
		}
	}
	if (best_cost == ~0ULL)
		return false;
	a = &m->e[best];
	*a = (struct e820_entry){ a->addr, entry_end(a + 1) - a->addr, joint_type(a, a + 1) };
	memmove(a + 1, a + 2, (m->n - best - 2) * sizeof(*a));
	m->n--;
	return true;
}

static u64 ram_in(const struct map *m)
{
	u64 sum = 0;

	for (u32 i = 0; i < m->n; i++)
		if (m->e[i].type == E820_RAM)
			sum += m->e[i].size;
	return sum;
}

u32 dom0_e820_build(const struct dom0_e820_in *in, struct e820_entry *out, u32 cap, u32 max,
                    u64 *lost)
{
	struct map m = { .e = out };
	u64 hole = low_ram_end(in), ram, next;

	for (u64 pos = 0; pos != ~0ULL; pos = next) {
		u32 type = type_at(in, hole, pos, &next);

		if (type && !e820_append(m.e, &m.n, cap, pos, next, type))
			return 0;
	}

	ram = ram_in(&m);
	while (m.n > max)
		if (!join_one(in, &m))
			return 0;
	*lost = ram - ram_in(&m);
	return m.n;
}

/* --- placement -------------------------------------------------------------- */

static const struct range *touched(const struct range *avoid, u32 count, paddr_t start, u64 size)
{
	for (u32 i = 0; i < count; i++)
		if (avoid[i].start < start + size && start < avoid[i].end)
			return &avoid[i];
	return NULL;
}

/* The same in one range. */
static paddr_t place_in(u64 start, u64 end, const struct range *avoid, u32 count, u64 size,
                        bool top)
{
	while (start <= end && end - start >= size) {
		paddr_t at = top ? end - size : start;
		const struct range *hit = touched(avoid, count, at, size);

		if (!hit)
			return at;
		if (top)
			end = ROUND_DOWN(hit->start, PAGE_SIZE);
		else
			start = ROUND_UP(hit->end, PAGE_SIZE);
	}
	return 0;
}

paddr_t dom0_place(const struct range *own, u32 own_count, const struct range *avoid,
                   u32 avoid_count, u64 size, paddr_t floor, paddr_t limit, bool top)
{
	for (u32 i = 0; i < own_count; i++) {
		const struct range *r = &own[top ? own_count - 1 - i : i];
		paddr_t at = place_in(ROUND_UP(max(r->start, floor), PAGE_SIZE),
		                      ROUND_DOWN(min(r->end, limit), PAGE_SIZE), avoid, avoid_count,
		                      ROUND_UP(size, PAGE_SIZE), top);

		if (at)
			return at;
	}
	return 0;
}

bool dom0_owns(const struct range *own, u32 own_count, paddr_t start, paddr_t end)
{
	for (u32 i = 0; i < own_count && start < end; i++)
		if (own[i].start <= start && start < own[i].end)
			start = own[i].end; /* the next range may go on where this one ends */
	return start >= end;
}

/* --- command lines ---------------------------------------------------------- */

/* The next word as Linux splits them: blanks separate, except inside double quotes. */
static bool next_word(const char **s, const char **word, size_t *len)
{
	const char *p = *s;
	bool quoted = false;

	while (*p == ' ' || *p == '\t')
		p++;
	*word = p;
	for (; *p && (quoted || (*p != ' ' && *p != '\t')); p++)
		if (*p == '"')
			quoted = !quoted;
	*len = (size_t)(p - *word);
	*s = p;
	return *len != 0;
}

static bool word_starts(const char *word, size_t len, const char *with)
{
	return len >= strlen(with) && strncmp(word, with, strlen(with)) == 0;
}

static bool word_ends(const char *word, size_t len, const char *with)
{
	return len >= strlen(with) && strncmp(word + len - strlen(with), with, strlen(with)) == 0;
}

int dom0_cmdline(const char *own, char *out, size_t size, const char **added, const char **why)
{
	static const char *const additions[2][2] = {
		{ "swiotlb=force idle=halt", "swiotlb=force" },
		{ "idle=halt", "" },
	};
	bool swiotlb = false, idle = false;
	const char *s = own, *word, *end, *tail = NULL;
	size_t len;
	int n;

	while (next_word(&s, &word, &len)) {
		if (len == 2 && strncmp(word, "--", 2) == 0) {
			tail = word; /* what follows is for init, not for the kernel */
			break;
		}
		if (word_starts(word, len, "idle="))
			idle = true;
		if (!word_starts(word, len, "swiotlb="))
			continue;
		swiotlb = true;
		if (!word_ends(word, len, "=force") && !word_ends(word, len, ",force")) {
			*why = "swiotlb= must end in force (there is no IOMMU)";
			return -EINVAL;
		}
	}
	*added = additions[swiotlb][idle];
	end = tail ? tail : s;
	while (end > own && end[-1] == ' ')
		end--;
	while (*own == ' ' && own < end)
		own++;
	n = snprintf(out, size, "%.*s%s%s%s%s", (int)(end - own), own,
	             end > own && **added ? " " : "", *added, tail ? " " : "", tail ? tail : "");
	if ((size_t)n >= size) {
		*why = "too long";
		return -EINVAL;
	}
	return 0;
}

void dom0_cmdline_effective(const char *own, char *out, size_t size, u64 bytes)
{
	const char *word;
	size_t len, n;

	n = (size_t)(bytes % MIB ? snprintf(out, size, "dom0_mem=%luK", bytes / KIB)
	                         : snprintf(out, size, "dom0_mem=%luM", bytes / MIB));
	while (n < size && next_word(&own, &word, &len))
		if (!word_starts(word, len, "dom0_mem="))
			n += (size_t)snprintf(out + n, size - n, " %.*s", (int)len, word);
}
