/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypervisor's menu on the serial console, behind three Ctrl-A. Runs on the boot CPU, from the
 * console's poll timer. It looks at other CPUs' data without their locks: a line may be a moment
 * old, but a machine that hangs with a lock held can still be looked at.
 */
#include <console.h>
#include <cpu.h>
#include <domain.h>
#include <page.h>
#include <printk.h>
#include <string.h>
#include <virt.h>

static char confirm;                    /* the key that has to come again */
static void (*going)(struct domain *d); /* what a key has begun, */
static u32 going_at;                    /* from the domain with this id on */

static void menu_help(void);

/* --- r -------------------------------------------------------------------- */

static const char *vcpu_state_name(u32 state)
{
	static const char *const names[] = { "offline", "runnable", "blocked" };

	return state < ARRAY_SIZE(names) ? names[state] : "?";
}

static void dump_vcpu(struct vcpu *v)
{
	pr_info("d%uv%u: %s on CPU %u%s, upcall %u, hypercalls %lu\n", v->domain->id, v->id,
	        vcpu_state_name(v->state), v->cpu->id,
	        READ_ONCE(v->cpu->running) == v ? " now" : "", v->upcall_pending, v->hypercalls);
	if (v->state != VCPU_OFFLINE)
		virt->dump(v);
}

static void dump_cpus(void)
{
	for (u32 i = 0; i < cpu_count; i++)
		cpu_dump(cpus[i]);
}

static void dump_vcpus(struct domain *d)
{
	for (u32 i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i])
			dump_vcpu(d->vcpu[i]);
}

/* --- m -------------------------------------------------------------------- */

static void dump_memory(void)
{
	pr_info("memory: %lu KiB free, %lu KiB kept by the hypervisor, frames up to %#lx\n",
	        page_free_count() * 4, page_hypervisor_bytes() / KIB, page_max);
}

static void dump_memory_of(struct domain *d)
{
	pr_info("d%u: %lu KiB of at most %lu KiB, %lu table pages, highest frame %#lx\n", d->id,
	        d->tot_pages * 4, d->max_pages * 4, d->p2m.table_pages, d->p2m.max_gfn);
}

/* --- i -------------------------------------------------------------------- */

static void dump_vectors(const char *what, const u64 map[4])
{
	char text[256];
	size_t n = 0;

	for (u32 v = 0; v < 256 && n < sizeof(text) - 8; v++)
		if (bit_test(map, v))
			n += (size_t)snprintf(text + n, sizeof(text) - n, " %02x", v);
	if (n)
		pr_info("  %s:%s\n", what, text);
}

static void dump_cpu_interrupts(const struct cpu *c)
{
	pr_info("CPU %u: edge %lu, level %lu, own %lu, spurious %lu, stray %lu\n", c->id,
	        c->count_irq[0], c->count_irq[1], c->count_irq[2], c->count_irq[3], c->count_stray);
	dump_vectors("level, in service", c->level_pending);
	dump_vectors("level, done by the guest", c->level_done);
}

static void dump_interrupts(void)
{
	for (u32 i = 0; i < cpu_count; i++)
		dump_cpu_interrupts(cpus[i]);
}

/* --- c -------------------------------------------------------------------- */

static void self_check(void)
{
	u32 bad = page_check() + domain_check() + timer_check();

	pr_info("self-check: %u violations\n", bad);
}

/* --- n -------------------------------------------------------------------- */

/*
 * A CPU takes its picture in the NMI and prints nothing there: it may hold the console's lock. One
 * request at a time: `wanted` is the CPU plus 1, and the CPU itself clears it when done.
 */
static u32 snapshot_wanted;
static struct trap_frame snapshot;

bool menu_snapshot(const struct trap_frame *f)
{
	if (load_acquire(&snapshot_wanted) != this_cpu()->id + 1)
		return false;
	snapshot = *f;
	store_release(&snapshot_wanted, 0);
	return true;
}

static void nmi_dump(struct cpu *c)
{
	u64 limit = time_now() + 100000000;

	cpu_dump(c);
	store_release(&snapshot_wanted, c->id + 1);
	lapic_send_nmi(c->apic_id);
	while (load_acquire(&snapshot_wanted) && time_now() < limit)
		cpu_pause();
	if (!load_acquire(&snapshot_wanted))
		trap_dump_registers(&snapshot);
	else
		pr_err("CPU %u takes no NMI\n", c->id);
	store_release(&snapshot_wanted, 0);
}

static void nmi_dump_others(void)
{
	for (u32 i = 0; i < cpu_count; i++)
		if (cpus[i] != this_cpu())
			nmi_dump(cpus[i]);
}

/* --- w, R, P -------------------------------------------------------------- */

static void hang(void)
{
	pr_err("menu: CPU %u hangs from now on, because you asked for it\n", this_cpu()->id);
	for (;;)
		cpu_pause();
}

static const struct {
	char key;
	bool twice; /* has to be pressed twice in a row */
	const char *what;
	void (*fn)(void);               /* may be NULL */
	void (*each)(struct domain *d); /* then for each domain, by and by; may be NULL */
} keys[] = {
	{ 'h', false, "this list", menu_help, NULL },
	{ 'r', false, "registers and state of all CPUs and vCPUs", dump_cpus, dump_vcpus },
	{ 'e', false, "event channels", NULL, event_dump },
	{ 'g', false, "grant tables", NULL, grant_dump },
	{ 'i', false, "interrupts: counters, level-triggered vectors in service and done",
	  dump_interrupts, NULL },
	{ 'm', false, "memory: free, of each domain, of the hypervisor", dump_memory,
	  dump_memory_of },
	{ 'c', false, "self-check of the hypervisor's tables", self_check, NULL },
	{ 'n', false, "host registers of all other CPUs, by NMI", nmi_dump_others, NULL },
	{ 'w', true, "hang this CPU, to test the watchdog", hang, NULL },
	{ 'R', true, "reboot the machine at once", machine_reboot, NULL },
	{ 'P', true, "power off the machine at once", machine_power_off, NULL },
};

static void menu_help(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(keys); i++)
		pr_info("menu: %c  %s%s\n", keys[i].key, keys[i].what,
		        keys[i].twice ? " (press twice)" : "");
}

static void take_key(char key)
{
	char before = confirm;

	confirm = 0;
	for (u32 i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].key != key)
			continue;
		if (keys[i].twice && before != key) {
			confirm = key;
			pr_info("menu: press %c again to %s\n", key, keys[i].what);
			return;
		}
		if (keys[i].fn)
			keys[i].fn();
		going = keys[i].each;
		going_at = 0;
		return;
	}
	if (key != '\r' && key != '\n')
		pr_info("menu: no such key, h for help\n");
}

/* Whoever asks is answered, whatever loglvl= says. */
void menu_key(char key)
{
	printk_show_all(true);
	take_key(key);
	printk_show_all(false);
}

/* One domain a time, so that a slow line and many guests do not keep the CPU from its guest. */
bool menu_work(void)
{
	struct domain *d;

	if (!going)
		return false;
	d = going_at < DOMID_FIRST_RESERVED ? domain_get_from((domid_t)going_at) : NULL;
	if (!d) {
		going = NULL;
		return false;
	}
	going_at = d->id + 1u;
	printk_show_all(true);
	going(d);
	printk_show_all(false);
	domain_put(d);
	return true;
}
