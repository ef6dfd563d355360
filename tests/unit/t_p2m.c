/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nested address spaces: what each type lets through, references, splits, faults, and that a flush
 * waits for exactly the CPUs that run the domain.
 *
 * files: hypervisor/arch/x86/virt/p2m.c hypervisor/arch/x86/paging.c hypervisor/core/page.c
 */
#include <pthread.h>
#include <stdlib.h>
#include <domain.h>
#include <p2m.h>
#include <page.h>
#include <string.h>
#include "harness.h"

#define RAM_END (64 * MIB)

static struct domain dom[3];
struct domain *domain_list, *control_domain;
struct cpu_features cpu_features = { .phys_bits = 40, .gib_pages = true };
struct cpu *cpus[MAX_CPUS];
u32 cpu_count;
static u32 crashes;
static char crash_line[200];

struct domain *domain_get(domid_t id)
{
	return id < ARRAY_SIZE(dom) ? &dom[id] : NULL;
}

void domain_put(struct domain *d)
{
	(void)d;
}

char *strstr(const char *text, const char *what);

void domain_crash(struct domain *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(crash_line, sizeof(crash_line), fmt, ap);
	va_end(ap);
	CHECK(!spin_is_locked(&d->p2m.lock));
	crashes++;
}

static bool crashed_with(const char *text)
{
	bool yes = crashes == 1 && strstr(crash_line, text);

	crashes = 0;
	return yes;
}

static void set_up(void)
{
	unit_ram_init(RAM_END);
	page_max = RAM_END >> PAGE_SHIFT;
	page_table = calloc(page_max, sizeof(struct page));
	page_set_none(mfn(0), mfn(0x1000));
	page_add_free(mfn(0x1000), mfn(page_max));
	for (u32 i = 0; i < ARRAY_SIZE(dom); i++) {
		dom[i].id = (domid_t)i;
		dom[i].control = i == 0;
		dom[i].max_pages = 100000;
		dom[i].next = i + 1 < ARRAY_SIZE(dom) ? &dom[i + 1] : NULL;
		REQUIRE(p2m_init(&dom[i]) == 0);
	}
	domain_list = &dom[0];
	page_set_domain(mfn(0x100), mfn(0x800), &dom[0]);
}

static int set(struct domain *d, u64 g, mfn_t m, u32 order, enum p2m_type type)
{
	int rc;

	spin_lock(&d->p2m.lock);
	rc = p2m_set(d, gfn(g), m, order, type);
	spin_unlock(&d->p2m.lock);
	return rc;
}

static int clear(struct domain *d, u64 g, u32 order)
{
	int rc;

	spin_lock(&d->p2m.lock);
	rc = p2m_clear(d, gfn(g), order);
	spin_unlock(&d->p2m.lock);
	return rc;
}

static u64 lookup(struct domain *d, u64 g, enum p2m_type *type)
{
	return mfn_x(p2m_lookup(d, gfn(g), type));
}

static int get(struct domain *d, u64 g, bool write, u64 *out)
{
	mfn_t m;
	int rc = p2m_get_page(d, gfn(g), write, &m);

	*out = mfn_x(m);
	return rc;
}

static u64 raw(struct domain *d, u64 g)
{
	return pt_lookup(&pt_npt, d->p2m.root, g << PAGE_SHIFT).entry;
}

/* What each type gives: reading, writing, execution by the guest; a reference for the hypervisor.
 */
static void test_types(void)
{
	static const struct {
		enum p2m_type type;
		bool w, x, get_read, get_write, counted;
	} row[] = {
		{ P2M_RAM, true, true, true, true, true },
		{ P2M_MMIO, true, true, false, false, false },
		{ P2M_SHARED, true, false, true, true, false },
		{ P2M_FOREIGN, true, false, true, true, true },
		{ P2M_GRANT_RW, true, false, true, true, true },
		{ P2M_GRANT_RO, false, false, true, false, true },
		{ P2M_ONES, false, false, true, false, false },
	};
	mfn_t ram = page_alloc_domain(&dom[1], 0), other = page_alloc_domain(&dom[2], 0);
	mfn_t hv = page_alloc(0);
	enum p2m_type type;
	u64 out;

	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		bool foreign = row[i].type >= P2M_FOREIGN && row[i].type <= P2M_GRANT_RO;
		mfn_t m = row[i].type == P2M_RAM ? ram : foreign ? other : hv;
		u64 g = 0x100 + i, e;

		REQUIRE(!set(&dom[1], g, m, 0, row[i].type));
		CHECK_EQ(lookup(&dom[1], g, &type), mfn_x(m));
		CHECK_EQ(type, row[i].type);
		e = raw(&dom[1], g);
		CHECK((e & (PTE_P | PTE_U)) == (PTE_P | PTE_U));
		CHECK_EQ(!!(e & PTE_W), row[i].w);
		CHECK_EQ(!(e & PTE_NX), row[i].x);
		for (u32 write = 0; write < 2; write++) {
			bool want = write ? row[i].get_write : row[i].get_read;

			CHECK_EQ(get(&dom[1], g, write, &out), want ? 0 : -EFAULT);
			CHECK_EQ(mfn_to_page(m)->count,
			         (foreign || row[i].type == P2M_RAM) + (want && row[i].counted));
			if (want) {
				CHECK_EQ(out, mfn_x(m));
				page_put(m);
			}
		}
		CHECK(!clear(&dom[1], g, 0));
		CHECK_EQ(lookup(&dom[1], g, &type), ~0ULL);
		CHECK_EQ(type, P2M_NONE);
		CHECK_EQ(get(&dom[1], g, false, &out), -EFAULT);
	}
	/* RAM of another domain under a wrong label must not come out. */
	REQUIRE(!set(&dom[1], 5, other, 0, P2M_RAM));
	CHECK_EQ(get(&dom[1], 5, false, &out), -EFAULT);
	clear(&dom[1], 5, 0);
	page_put(ram);
	page_put(other);
	page_free(hv, 0);
}

static void test_sizes(void)
{
	mfn_t big = page_alloc_domain(&dom[1], 9);
	enum p2m_type type;
	u64 tables;

	REQUIRE(!set(&dom[1], 0x200, big, 9, P2M_RAM));
	tables = dom[1].p2m.table_pages;
	for (u64 i = 0; i < 512; i += 37)
		CHECK_EQ(lookup(&dom[1], 0x200 + i, &type), mfn_x(big) + i);
	REQUIRE(!clear(&dom[1], 0x2aa, 0));
	CHECK_EQ(dom[1].p2m.table_pages, tables + 1);
	for (u64 i = 0; i < 512; i++)
		CHECK_EQ(lookup(&dom[1], 0x200 + i, &type), i == 0xaa ? ~0ULL : mfn_x(big) + i);
	CHECK_EQ(type, P2M_RAM);
	CHECK_EQ(dom[1].p2m.max_gfn, 0x3ff);

	/* 1 GiB and more in one go, and no further than the CPU can address. */
	spin_lock(&dom[0].p2m.lock);
	CHECK_EQ(p2m_set_range(&dom[0], gfn(0), mfn(0), 3 << 18, P2M_RAM), 0);
	CHECK_EQ(dom[0].p2m.table_pages, 2);
	CHECK_EQ(p2m_set_range(&dom[0], gfn(BIT(28) - 1), mfn(0), 2, P2M_RAM), -EINVAL);
	CHECK_EQ(p2m_set_range(&dom[0], gfn(~0ULL), mfn(0), 2, P2M_RAM), -EINVAL);
	CHECK_EQ(p2m_set_range(&dom[0], gfn(0), mfn(0), 0, P2M_RAM), -EINVAL);
	CHECK_EQ(p2m_clear(&dom[0], gfn(0), 18), 0);
	CHECK_EQ(p2m_clear(&dom[0], gfn(1 << 18), 18), 0);
	CHECK_EQ(p2m_clear(&dom[0], gfn(2 << 18), 18), 0);
	spin_unlock(&dom[0].p2m.lock);
	/* An address of more than 48 bits is not its low bits. */
	CHECK_EQ(lookup(&dom[1], BIT(36) + 0x200, &type), ~0ULL);
	CHECK_EQ(lookup(&dom[1], BIT(51) + 0x200, &type), ~0ULL);
	for (u64 i = 0; i < 512; i++)
		page_put(mfn(mfn_x(big) + i));
	clear(&dom[1], 0x200, 9);
}

static void test_pool(void)
{
	u64 g = 0, max = dom[1].p2m.table_pages_max;
	int rc;

	dom[1].p2m.table_pages_max = dom[1].p2m.table_pages + 10;
	do {
		rc = set(&dom[1], g += BIT(18), mfn(0x1000), 0, P2M_SHARED);
	} while (!rc);
	CHECK_EQ(rc, -ENOMEM);
	CHECK(dom[1].p2m.table_pages <= dom[1].p2m.table_pages_max);
	CHECK(g > 3 * BIT(18));
	for (; g; g -= BIT(18))
		clear(&dom[1], g, 0);
	dom[1].p2m.table_pages_max = max;
}

static int fault(struct domain *d, u64 at, bool write, bool exec)
{
	struct vcpu v = { .domain = d };
	int rc = p2m_fault(&v, gpa(at), write, exec);

	CHECK(!spin_is_locked(&d->p2m.lock));
	return rc;
}

/* The control domain: devices as they are, and one line for what is not its own. */
static void test_control_fault(void)
{
	enum p2m_type type;
	mfn_t other = page_alloc_domain(&dom[2], 0), hv = page_alloc(0);

	p2m_forbid(0xfee00000, PAGE_SIZE, "local APIC");
	p2m_forbid(0xfd200010, 0x10, "IOMMU");

	CHECK_EQ(fault(&dom[0], 0xfed00010, false, false), 0);
	CHECK_EQ(lookup(&dom[0], 0xfed00, &type), 0xfed00);
	CHECK_EQ(type, P2M_MMIO);
	CHECK_EQ(lookup(&dom[0], 0xfed01, &type), ~0ULL);
	CHECK_EQ(fault(&dom[0], 0x000c1234, true, false), 0); /* a hole in low memory */
	CHECK_EQ(lookup(&dom[0], 0xc1, &type), 0xc1);
	CHECK_EQ(fault(&dom[0], 0x2000000000, false, true), 0); /* far above RAM */
	CHECK_EQ(crashes, 0);
	CHECK_EQ(fault(&dom[0], 0x2000000010, true, false), 0); /* mapped by now: try again */

	CHECK_EQ(fault(&dom[0], 0xfee00020, false, false), 0);
	CHECK(crashed_with("read of 0xfee00020: local APIC"));
	CHECK_EQ(fault(&dom[0], 0xfd200fff, true, false), 0);
	CHECK(crashed_with("write of 0xfd200fff: IOMMU"));
	CHECK_EQ(fault(&dom[0], 0xfd201000, false, false), 0);
	CHECK_EQ(crashes, 0);
	CHECK_EQ(fault(&dom[0], mfn_to_paddr(hv), false, false), 0);
	CHECK(crashed_with("the hypervisor's memory"));
	CHECK_EQ(fault(&dom[0], mfn_to_paddr(other), false, false), 0);
	CHECK(crashed_with("another domain's memory"));
	CHECK_EQ(fault(&dom[0], RAM_END - 1, false, true), 0);
	CHECK(crashed_with("execution of 0x3ffffff: memory that it does not own"));
	/* Its own, but unmapped: a hole that reads as ones. */
	CHECK_EQ(fault(&dom[0], 0x100000, true, false), -EFAULT);
	CHECK_EQ(fault(&dom[0], 0x100000, false, false), 0);
	CHECK_EQ(crashes, 0);
	CHECK_EQ(lookup(&dom[0], 0x100, &type), mfn_x(dom[0].ones));
	CHECK_EQ(type, P2M_ONES);
	CHECK_EQ(fault(&dom[0], BIT(40), false, false), 0);
	CHECK(crashed_with("beyond"));
	CHECK_EQ(lookup(&dom[0], mfn_x(hv), &type), ~0ULL);

	/* A write to what is mapped read-only is the guest's #GP. */
	REQUIRE(!set(&dom[0], 0x90000, other, 0, P2M_GRANT_RO));
	CHECK_EQ(fault(&dom[0], 0x90000000, false, false), 0);
	CHECK_EQ(fault(&dom[0], 0x90000000, true, false), -EFAULT);
	CHECK_EQ(fault(&dom[0], 0x90000000, false, true), -EFAULT);
	CHECK_EQ(crashes, 0);
	clear(&dom[0], 0x90000, 0);
	page_put(other);
	page_free(hv, 0);
}

static void test_guest_fault(void)
{
	enum p2m_type type;
	u64 out, ones;
	const u8 *p;

	CHECK_EQ(fault(&dom[2], 0xfee00000, true, false), -EFAULT);
	CHECK_EQ(fault(&dom[2], 0xfee00000, false, true), -EFAULT);
	CHECK_EQ(lookup(&dom[2], 0xfee00, &type), ~0ULL);
	CHECK_EQ(fault(&dom[2], 0xfee00000, false, false), 0);
	ones = lookup(&dom[2], 0xfee00, &type);
	CHECK_EQ(type, P2M_ONES);
	CHECK_EQ(fault(&dom[2], 0xabc00123, false, false), 0);
	CHECK_EQ(lookup(&dom[2], 0xabc00, &type), ones);
	CHECK_EQ(fault(&dom[2], 0xabc00123, true, false), -EFAULT);
	CHECK_EQ(get(&dom[2], 0xabc00, true, &out), -EFAULT);
	p = paddr_to_virt(ones << PAGE_SHIFT);
	for (u32 i = 0; i < PAGE_SIZE; i++)
		CHECK_EQ(p[i], 0xff);
	CHECK_EQ(crashes, 0);
	/* It may look everywhere, and runs out of tables, which ends it and nobody else. */
	for (u64 at = 0; !crashes && at < BIT(40); at += GIB)
		CHECK_EQ(fault(&dom[2], at, false, false), 0);
	CHECK(crashed_with("no memory for page tables"));
}

/* --- flush ------------------------------------------------------------------ */

static struct vcpu *vcpus[2];
static u32 kicks[3];
static bool stubborn;

void cpu_kick(struct cpu *c, u64 todo)
{
	(void)todo;
	kicks[c->id]++;
	if (!stubborn) /* it leaves the guest at once */
		__atomic_store_n(&c->mode, CPU_HOST, __ATOMIC_RELEASE);
}

static void *late_exit(void *arg)
{
	struct cpu *c = arg;

	while (!__atomic_load_n(&kicks[c->id], __ATOMIC_ACQUIRE))
		cpu_pause();
	/* The exit, and at once the next entry, which flushed. */
	__atomic_add_fetch(&c->entries, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void test_flush(void)
{
	struct cpu *me = unit_this_cpu;
	pthread_t t;

	for (u32 i = 0; i < 3; i++) {
		cpus[i] = i ? calloc(1, sizeof(struct cpu)) : me;
		cpus[i]->id = i;
	}
	cpu_count = 3;
	for (u32 i = 0; i < 2; i++) {
		vcpus[i] = calloc(1, sizeof(struct vcpu));
		vcpus[i]->domain = &dom[1 + i];
		dom[1 + i].vcpu[0] = vcpus[i];
		dom[1 + i].max_vcpus = 2; /* one of them not made yet */
	}
	cpus[1]->current = vcpus[0];
	cpus[2]->current = vcpus[1];
	cpus[1]->mode = cpus[2]->mode = CPU_GUEST;

	domain_flush(&dom[1]);
	CHECK_EQ(vcpus[0]->flush_pending, 1);
	CHECK_EQ(vcpus[1]->flush_pending, 0);
	/* Without attention the entry would not look. */
	CHECK_EQ(vcpus[0]->attention, 1);
	CHECK_EQ(vcpus[1]->attention, 0);
	CHECK(kicks[0] == 0 && kicks[1] == 1 && kicks[2] == 0);
	domain_flush(&dom[1]); /* in host mode: it will look before it enters */
	CHECK_EQ(kicks[1], 1);

	stubborn = true;
	cpus[1]->mode = CPU_GUEST;
	kicks[1] = 0;
	REQUIRE(pthread_create(&t, NULL, late_exit, cpus[1]) == 0);
	domain_flush(&dom[1]);
	CHECK_EQ(cpus[1]->entries, 1);
	pthread_join(t, NULL);
	for (u32 i = 0; i < 2; i++) {
		free(cpus[i + 1]);
		free(vcpus[i]);
	}
	cpu_count = 1;
}

static void destroy(struct domain *d)
{
	d->dying = true;
	while (!p2m_clear_all(d))
		;
	p2m_destroy(d);
}

/*
 * Frames and references of foreign mappings go with the address space, the tables come back; what
 * somebody else holds of it stays, and nothing new comes in.
 */
static void test_destroy(void)
{
	mfn_t other = page_alloc_domain(&dom[2], 0), large = page_alloc_domain(&dom[1], 9);
	u64 before, own = dom[1].tot_pages;

	CHECK(page_get(other, NULL));
	REQUIRE(!set(&dom[1], 0x777, other, 0, P2M_FOREIGN));
	REQUIRE(!set(&dom[1], 0x40000, large, 9, P2M_RAM));
	CHECK(page_get(mfn(mfn_x(large) + 7), &dom[1]));
	before = page_hypervisor_bytes();
	destroy(&dom[1]);
	CHECK(page_hypervisor_bytes() < before);
	CHECK_EQ(mfn_to_page(other)->count, 1);
	CHECK(dom[1].tot_pages <= own - 511);
	CHECK_EQ(mfn_to_page(mfn(mfn_x(large) + 7))->count, 1);
	CHECK_EQ(mfn_to_page(mfn(mfn_x(large) + 6))->state, PAGE_FREE);
	page_put(mfn(mfn_x(large) + 7));
	page_put(other);
	dom[0].dying = true;
	CHECK_EQ(set(&dom[0], 0x777, mfn(0x777), 0, P2M_MMIO), -EINVAL);
	destroy(&dom[0]);
	destroy(&dom[2]);
	CHECK_EQ(page_hypervisor_bytes(), 0);
	CHECK_EQ(page_check(), 0);
}

void unit_main(void)
{
	set_up();
	test_types();
	test_sizes();
	test_pool();
	test_control_fault();
	test_guest_fault();
	test_flush();
	test_destroy();
	free(page_table);
}
