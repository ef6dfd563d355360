/*
 * What the TLB of a real CPU may still hold: each translation is remembered under its ASID until a
 * flush that an AMD CPU is bound to (APM2 15.16, 5.5.2). QEMU itself forgets at each VMRUN and
 * #VMEXIT, so a hypervisor that forgets to flush never notices. This one ends at the first walk
 * whose result is another than the remembered one: there a CPU could have used the old.
 *
 * Kept are nested translations, the entries of nested tables that point to tables, and the host's
 * own translations as ASID 0; a guest's own tables are the guest's business.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "cpu.h"
#include "tlb_model.h"

#define CPUS  16
#define ASIDS 64
#define KEPT  8 /* an entry is never 0 */
#define FRAME (PG_ADDRESS_MASK & TARGET_PAGE_MASK)

static GHashTable *tables[CPUS][ASIDS]; /* (level, page) -> frame | PAGE_* | KEPT */
static uint32_t current[CPUS];

static int cpu_of(CPUX86State *env)
{
	int cpu = env_cpu(env)->cpu_index;

	assert(cpu < CPUS);
	return cpu;
}

static GHashTable *table(CPUX86State *env, uint32_t asid)
{
	GHashTable **t = &tables[cpu_of(env)][asid % ASIDS];

	if (!*t) {
		*t = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	}
	return *t;
}

void tlb_model_enter(CPUX86State *env, uint32_t asid, bool flush)
{
	current[cpu_of(env)] = asid;
	for (uint32_t i = 0; flush && i < ASIDS; i++) {
		g_hash_table_remove_all(table(env, i));
	}
}

void tlb_model_flush_host(CPUX86State *env)
{
	if (!(env->hflags & HF_GUEST_MASK)) {
		g_hash_table_remove_all(table(env, 0));
	}
}

void tlb_model_flush_host_page(CPUX86State *env, uint64_t addr)
{
	uint64_t key = addr >> TARGET_PAGE_BITS;

	if (!(env->hflags & HF_GUEST_MASK)) {
		g_hash_table_remove(table(env, 0), &key);
	}
}

/* A walk came to entry, or to nothing (0), for one of the accesses in need. */
static void note(CPUX86State *env, uint32_t asid, uint64_t key, uint64_t entry, int need)
{
	GHashTable *t = table(env, asid);
	uint64_t *old = g_hash_table_lookup(t, &key);

	if (old &&
	    (entry ? ((*old ^ entry) & FRAME) || (*old & ~entry & 7) : (*old & need) == need)) {
		error_report("tlb_model: CPU %d ASID %u page %" PRIx64 ": not flushed %" PRIx64
		             ", now %" PRIx64,
		             cpu_of(env), asid, key, *old, entry);
		abort();
	}
	if (entry) {
		g_hash_table_insert(t, g_memdup2(&key, 8), g_memdup2(&entry, 8));
	} else {
		g_hash_table_remove(t, &key);
	}
}

void tlb_model_host(CPUX86State *env, uint64_t addr, uint64_t frame, int prot, int access)
{
	/* Froe's addresses: firmware's and loaders' are below, Linux's above. */
	if (!(env->hflags & HF_GUEST_MASK) && (env->hflags & HF_CS64_MASK) &&
	    env->eip >= 0xffffffff80000000 && env->eip < 0xffffffff81000000) {
		note(env, 0, addr >> TARGET_PAGE_BITS, prot ? (frame & FRAME) | prot | KEPT : 0,
		     1 << access);
	}
}

void tlb_model_nested(CPUX86State *env, uint64_t addr, uint64_t frame, int prot, int access)
{
	uint32_t asid = current[cpu_of(env)];
	uint64_t entry = env->nested_cr3;

	for (int level = 4; level > 1; level--) {
		int shift = TARGET_PAGE_BITS + 9 * (level - 1);

		entry = x86_ldq_phys(env_cpu(env), (entry & FRAME) + (addr >> shift & 511) * 8);
		if (!(entry & PG_PRESENT_MASK) || (entry & PG_PSE_MASK)) {
			note(env, asid, (uint64_t)level << 56 | addr >> shift, 0, 0);
			break;
		}
		note(env, asid, (uint64_t)level << 56 | addr >> shift, (entry & FRAME) | KEPT, 0);
	}
	note(env, asid, addr >> TARGET_PAGE_BITS, prot ? (frame & FRAME) | prot | KEPT : 0,
	     1 << access);
}
