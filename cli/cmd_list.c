/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe list: the domains. What xl prints, to the byte; programs get more with --json.
 */
#include <stdlib.h>
#include "list_long.h"
#include "output.h"

#define ROW(name) const struct froe_domain *name = row

/* What it has and what it has claimed, in MiB. */
static void get_mem(const void *row, struct cell *cell)
{
	ROW(d);

	cell_number(cell, (d->memory + d->outstanding) >> 20);
}

static char reason(const struct froe_domain *d)
{
	static const char letters[] = "-rscwS";

	if (!(d->flags & FROE_SHUTDOWN))
		return '-';
	return (unsigned)d->shutdown_reason < sizeof(letters) - 1 ? letters[d->shutdown_reason]
	                                                          : '?';
}

static void get_state(const void *row, struct cell *cell)
{
	ROW(d);

	cell_text(cell, "%c%c%c%c%c%c", d->flags & FROE_RUNNING ? 'r' : '-',
	          d->flags & FROE_BLOCKED ? 'b' : '-', d->flags & FROE_PAUSED ? 'p' : '-',
	          d->flags & FROE_SHUTDOWN ? 's' : '-', reason(d),
	          d->flags & FROE_DYING ? 'd' : '-');
}

static void get_time(const void *row, struct cell *cell)
{
	ROW(d);

	cell->kind = CELL_REAL;
	cell->real = (double)d->cpu_time / 1e9;
}

static void get_reason_code(const void *row, struct cell *cell)
{
	ROW(d);

	if (d->flags & FROE_SHUTDOWN)
		cell_text(cell, "%x", d->shutdown_reason);
	else
		cell_text(cell, "-");
}

/* There are none. */
static void get_label(const void *row, struct cell *cell)
{
	cell_text(cell, "-");
}

static void get_pool(const void *row, struct cell *cell)
{
	ROW(d);

	cell_text(cell, "Pool-%u", d->cpupool);
}

/* The machine is one node, and every domain may run anywhere on it. */
static void get_nodes(const void *row, struct cell *cell)
{
	cell_text(cell, "all");
}

#define FLAG(name, bit)                                                                            \
	static void get_##name(const void *row, struct cell *cell)                                 \
	{                                                                                          \
		cell->kind = CELL_BOOL;                                                            \
		cell->number = !!(((const struct froe_domain *)row)->flags & (bit));               \
	}
FLAG(running, FROE_RUNNING)
FLAG(blocked, FROE_BLOCKED)
FLAG(paused, FROE_PAUSED)
FLAG(shutdown, FROE_SHUTDOWN)
FLAG(dying, FROE_DYING)

static void get_shutdown_reason(const void *row, struct cell *cell)
{
	static const char *const words[] = {
		[FROE_POWEROFF] = "poweroff", [FROE_REBOOT] = "reboot",
		[FROE_SUSPEND] = "suspend",   [FROE_CRASH] = "crash",
		[FROE_WATCHDOG] = "watchdog", [FROE_SOFT_RESET] = "soft-reset",
	};
	ROW(d);

	if (!(d->flags & FROE_SHUTDOWN))
		cell->kind = CELL_NULL;
	else if ((unsigned)d->shutdown_reason < sizeof(words) / sizeof(*words))
		cell_text(cell, "%s", words[d->shutdown_reason]);
	else
		cell_text(cell, "%u", d->shutdown_reason);
}

#define NUMBER(field)                                                                              \
	static void get_##field(const void *row, struct cell *cell)                                \
	{                                                                                          \
		cell_number(cell, ((const struct froe_domain *)row)->field);                       \
	}
NUMBER(vcpus)
NUMBER(memory)
NUMBER(memory_max)
NUMBER(outstanding)
NUMBER(vcpus_max)
NUMBER(cpu_time)

/* xl's columns: a header that is one line, because its words do not stand over their columns. */
static const struct column base[] = {
	{ "Name                                        ID   Mem VCPUs\tState\tTime(s)", "%-40s",
	  "name", domain_cell_name },
	{ "", " %5s", "domid", domain_cell_id },
	{ "", " %5s", NULL, get_mem },
	{ "", " %5s", "vcpus", get_vcpus },
	{ "", "     %s", "state", get_state },
	{ "", "  %8s", NULL, get_time },
	{ 0 },
};
static const struct column verbose[] = {
	{ "   UUID                            Reason-Code\tSecurity Label", " %s", NULL,
	  domain_cell_uuid },
	{ "", " %8s", NULL, get_reason_code },
	{ "", " %16s", NULL, get_label },
	{ 0 },
};
static const struct column label[] = { { "   Security Label", " %16s", NULL, get_label }, { 0 } };
static const struct column pool[] = { { "         Cpupool", "%16s", NULL, get_pool }, { 0 } };
static const struct column nodes[] = { { " NODE Affinity", " %s", NULL, get_nodes }, { 0 } };
/* For programs, whatever the switches say. */
static const struct column data[] = {
	{ .key = "uuid", .get = domain_cell_uuid },
	{ .key = "running", .get = get_running },
	{ .key = "blocked", .get = get_blocked },
	{ .key = "paused", .get = get_paused },
	{ .key = "shutdown", .get = get_shutdown },
	{ .key = "dying", .get = get_dying },
	{ .key = "shutdown_reason", .get = get_shutdown_reason },
	{ .key = "memory_bytes", .get = get_memory },
	{ .key = "memory_max_bytes", .get = get_memory_max },
	{ .key = "claimed_bytes", .get = get_outstanding },
	{ .key = "vcpus_max", .get = get_vcpus_max },
	{ .key = "cpu_time_ns", .get = get_cpu_time },
	{ .key = "cpupool", .get = get_pool },
	{ 0 },
};

#define COLUMNS_MAX 32

static void add(struct column *to, size_t *n, const struct column *columns)
{
	for (; columns->head || columns->key; columns++)
		to[(*n)++] = *columns;
}

static void choose(const struct call *c, struct column *to)
{
	size_t n = 0;

	add(to, &n, base);
	if (call_has(c, 'v'))
		add(to, &n, verbose);
	else if (call_has(c, 'Z'))
		add(to, &n, label);
	if (call_has(c, 'c'))
		add(to, &n, pool);
	if (call_has(c, 'n'))
		add(to, &n, nodes);
	add(to, &n, data);
}

static int list(struct call *c)
{
	void (*show)(struct call * c, const void *row) = output_row;
	struct column columns[COLUMNS_MAX] = { { 0 } };
	struct froe_domain *all;
	size_t count;

	if (call_has(c, 'l'))
		show = list_long_row;
	else
		choose(c, columns);
	if (!domain_find_all(c, domain_find, &all, &count))
		return 0;
	if (call_has(c, 'l'))
		list_long_begin(c);
	else if (count || !output_is_text(c))
		output_begin(c, columns);
	for (size_t i = 0; i < count; i++)
		show(c, &all[i]);
	free(all);
	if (call_has(c, 'l'))
		list_long_end(c);
	return 0;
}

static const struct cmd_option options[] = {
	{ 'l', "long", NULL, "Show all as JSON, in the form of xl" },
	{ 'v', "verbose", NULL, "Also UUIDs and reasons for shutdown" },
	{ 'Z', "context", NULL, "Also security labels, of which there are none" },
	{ 'c', "cpupool", NULL, "Also CPU pools" },
	{ 'n', "numa", NULL, "Also NUMA nodes" },
	{ 0 },
};

const struct cmd cmd_list = {
	.name = "list",
	.arguments = "[DOMAIN...]",
	.summary = "List the domains",
	.options = options,
	.most = -1,
	.run = list,
};
