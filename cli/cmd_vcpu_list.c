/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe vcpu-list: the vCPUs of the domains, where they run and where they may.
 */
#include <stdlib.h>
#include "output.h"

struct row {
	const struct froe_domain *d;
	const struct froe_vcpu *v;
	uint32_t cpus; /* of the machine */
};

#define ROW(name) const struct row *name = row

static void get_name(const void *row, struct cell *cell)
{
	ROW(r);

	domain_cell_name(r->d, cell);
}

static void get_id(const void *row, struct cell *cell)
{
	ROW(r);

	domain_cell_id(r->d, cell);
}

static void get_vcpu(const void *row, struct cell *cell)
{
	ROW(r);

	cell_number(cell, r->v->id);
}

static void get_where(const void *row, struct cell *cell)
{
	ROW(r);

	if (r->v->online)
		cell_text(cell, "%5u", r->v->cpu);
	else
		cell_text(cell, "%5c", '-');
}

static void get_cpu(const void *row, struct cell *cell)
{
	ROW(r);

	cell->kind = r->v->online ? CELL_NUMBER : CELL_NULL;
	cell->number = r->v->cpu;
}

static void get_state(const void *row, struct cell *cell)
{
	ROW(r);

	if (r->v->online)
		cell_text(cell, "%c%c-", r->v->running ? 'r' : '-', r->v->blocked ? 'b' : '-');
	else
		cell_text(cell, "--p");
}

static void get_time(const void *row, struct cell *cell)
{
	ROW(r);

	cell->kind = CELL_REAL;
	cell->real = (double)r->v->cpu_time / 1e9;
}

static void get_nanoseconds(const void *row, struct cell *cell)
{
	ROW(r);

	cell_number(cell, r->v->cpu_time);
}

static void put_cpus(struct cell *cell, const struct froe_cpumap *map, uint32_t cpus)
{
	char *text = froe_cpumap_format(map, cpus);

	cell_text(cell, "%s", text ? text : "");
	free(text);
}

static void get_hard(const void *row, struct cell *cell)
{
	ROW(r);

	put_cpus(cell, &r->v->hard, r->cpus);
}

static void get_soft(const void *row, struct cell *cell)
{
	ROW(r);

	put_cpus(cell, &r->v->soft, r->cpus);
}

static void get_online(const void *row, struct cell *cell)
{
	ROW(r);

	cell->kind = CELL_BOOL;
	cell->number = r->v->online;
}

static const struct column columns[] = {
	{ "Name                                ID  VCPU   CPU State   Time(s) Affinity (Hard / Soft)",
	  "%-32s", "name", get_name },
	{ "", " %5s", "domid", get_id },
	{ "", " %5s", "vcpu", get_vcpu },
	{ "", "%s", NULL, get_where },
	{ "", "   %s", "state", get_state },
	{ "", " %9s", NULL, get_time },
	{ "", "  %s", "hard_affinity", get_hard },
	{ "", " / %s", "soft_affinity", get_soft },
	{ .key = "online", .get = get_online },
	{ .key = "cpu", .get = get_cpu },
	{ .key = "cpu_time_ns", .get = get_nanoseconds },
	{ 0 },
};

/* Of all domains, one that has gone since they were listed is none any more. */
static void show(struct call *c, const struct froe_domain *d, uint32_t cpus)
{
	struct froe_vcpu *v;
	size_t count;

	if (froe_vcpu_list(c->froe, d->id, &v, &count)) {
		if (c->args || froe_code(c->froe) != FROE_NOT_FOUND)
			call_failed(c, domain_name(d));
		return;
	}
	for (size_t i = 0; i < count; i++)
		output_row(c, &(struct row){ d, &v[i], cpus });
	free(v);
}

static int vcpu_list(struct call *c)
{
	struct froe_domain *all;
	struct froe_host host;
	size_t count;

	if (froe_host_info(c->froe, &host))
		return call_failed(c, NULL);
	if (!domain_find_all(c, domain_find, &all, &count))
		return 0;
	if (count || !output_is_text(c))
		output_begin(c, columns);
	for (size_t i = 0; i < count; i++)
		show(c, &all[i], host.cpus_online);
	free(all);
	return 0;
}

const struct cmd cmd_vcpu_list = {
	.name = "vcpu-list",
	.arguments = "[DOMAIN...]",
	.summary = "List the vCPUs of all domains, or of some",
	.most = -1,
	.run = vcpu_list,
};
