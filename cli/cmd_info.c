/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe info: the machine and its hypervisor.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include "output.h"

struct row {
	struct froe_host h;
	struct utsname name;
};

#define GET(field) static void get_##field(const void *row, struct cell *cell)
#define HOST(h)    const struct froe_host *h = &((const struct row *)row)->h

#define TEXT(name, what)                                                                           \
	GET(name)                                                                                  \
	{                                                                                          \
		cell_string(cell, ((const struct row *)row)->what);                                \
	}
#define NUMBER(name, what)                                                                         \
	GET(name)                                                                                  \
	{                                                                                          \
		HOST(h);                                                                           \
                                                                                                   \
		cell_number(cell, what);                                                           \
	}

TEXT(host, name.nodename)
TEXT(release, name.release)
TEXT(version, name.version)
TEXT(machine, name.machine)
TEXT(extra, h.version_extra)
TEXT(caps, h.capabilities)
TEXT(scheduler, h.scheduler)
TEXT(platform, h.platform_params)
TEXT(changeset, h.changeset)
TEXT(commandline, h.command_line)
TEXT(compiler, h.compiler)
TEXT(compile_by, h.compiled_by)
TEXT(compile_domain, h.compiled_domain)
TEXT(compile_date, h.compiled_date)
TEXT(build_id, h.build_id)
NUMBER(cpus, h->cpus_online)
NUMBER(max_cpu_id, h->cpu_max_id)
NUMBER(nodes, h->nodes)
NUMBER(cores, h->cores_per_socket)
NUMBER(threads, h->threads_per_core)
NUMBER(khz, h->cpu_khz)
NUMBER(total, h->memory)
NUMBER(total_mib, h->memory >> 20)
NUMBER(free, h->memory_free - h->memory_outstanding)
NUMBER(free_mib, (h->memory_free - h->memory_outstanding) >> 20)
NUMBER(claims, h->memory_outstanding)
NUMBER(claims_mib, h->memory_outstanding >> 20)
NUMBER(major, h->version_major)
NUMBER(minor, h->version_minor)
NUMBER(page_size, h->page_size)

/* Pages are not shared, and every CPU is in the pool. */
GET(none)
{
	cell_number(cell, 0);
}

/* Of xl and its predecessors, for ever. */
GET(config_format)
{
	cell_number(cell, 4);
}

GET(mhz)
{
	HOST(h);

	cell_text(cell, "%u.%03u", h->cpu_khz / 1000, h->cpu_khz % 1000);
}

GET(hw_caps)
{
	HOST(h);

	cell_text(cell, "%08x:%08x:%08x:%08x:%08x:%08x:%08x:%08x", h->hw_caps[0], h->hw_caps[1],
	          h->hw_caps[2], h->hw_caps[3], h->hw_caps[4], h->hw_caps[5], h->hw_caps[6],
	          h->hw_caps[7]);
}

GET(virt_caps)
{
	HOST(h);

	cell_text(cell, "%s%s%s", h->hvm ? "hvm" : "", h->hvm && h->iommu ? " hvm_directio" : "",
	          h->hap ? " hap" : "");
}

GET(xen_version)
{
	HOST(h);

	cell_text(cell, "%u.%u%s", h->version_major, h->version_minor, h->version_extra);
}

/* Names and order are xl's; where its unit is not the byte, programs get another field. */
static const struct column fields[] = {
	{ "host", NULL, "host", get_host },
	{ "release", NULL, "release", get_release },
	{ "version", NULL, "version", get_version },
	{ "machine", NULL, "machine", get_machine },
	{ "nr_cpus", NULL, "nr_cpus", get_cpus },
	{ "max_cpu_id", NULL, "max_cpu_id", get_max_cpu_id },
	{ "nr_nodes", NULL, "nr_nodes", get_nodes },
	{ "cores_per_socket", NULL, "cores_per_socket", get_cores },
	{ "threads_per_core", NULL, "threads_per_core", get_threads },
	{ "cpu_mhz", NULL, NULL, get_mhz },
	{ NULL, NULL, "cpu_khz", get_khz },
	{ "hw_caps", NULL, "hw_caps", get_hw_caps },
	{ "virt_caps", NULL, "virt_caps", get_virt_caps },
	{ "total_memory", NULL, NULL, get_total_mib },
	{ NULL, NULL, "total_memory_bytes", get_total },
	{ "free_memory", NULL, NULL, get_free_mib },
	{ NULL, NULL, "free_memory_bytes", get_free },
	{ "sharing_freed_memory", NULL, "sharing_freed_memory_bytes", get_none },
	{ "sharing_used_memory", NULL, "sharing_used_memory_bytes", get_none },
	{ "outstanding_claims", NULL, NULL, get_claims_mib },
	{ NULL, NULL, "outstanding_claims_bytes", get_claims },
	{ "free_cpus", NULL, "free_cpus", get_none },
	{ "xen_major", NULL, "xen_major", get_major },
	{ "xen_minor", NULL, "xen_minor", get_minor },
	{ "xen_extra", NULL, "xen_extra", get_extra },
	{ "xen_version", NULL, "xen_version", get_xen_version },
	{ "xen_caps", NULL, "xen_caps", get_caps },
	{ "xen_scheduler", NULL, "xen_scheduler", get_scheduler },
	{ "xen_pagesize", NULL, "xen_pagesize_bytes", get_page_size },
	{ "platform_params", NULL, "platform_params", get_platform },
	{ "xen_changeset", NULL, "xen_changeset", get_changeset },
	{ "xen_commandline", NULL, "xen_commandline", get_commandline },
	{ "cc_compiler", NULL, "cc_compiler", get_compiler },
	{ "cc_compile_by", NULL, "cc_compile_by", get_compile_by },
	{ "cc_compile_domain", NULL, "cc_compile_domain", get_compile_domain },
	{ "cc_compile_date", NULL, "cc_compile_date", get_compile_date },
	{ "build_id", NULL, "build_id", get_build_id },
	{ "xend_config_format", NULL, "xend_config_format", get_config_format },
	{ 0 },
};

static void print_field(const struct row *row, const struct column *field, bool name)
{
	struct cell cell = { .kind = CELL_NULL };

	field->get(row, &cell);
	if (name)
		printf("%-22s : ", field->head);
	if (cell.kind == CELL_NUMBER)
		printf("%llu\n", (unsigned long long)cell.number);
	else
		printf("%s\n", cell.text);
}

/* The CPUs are numbered through, thread by thread, and all are of node 0. */
static void print_numa(const struct froe_host *h)
{
	const uint32_t per_core = h->threads_per_core ? h->threads_per_core : 1;
	const uint32_t per_socket = per_core * (h->cores_per_socket ? h->cores_per_socket : 1);

	printf("cpu_topology           :\ncpu:    core    socket     node\n");
	for (uint32_t cpu = 0; cpu < h->cpus_online; cpu++)
		printf("%3u:    %4u     %4u     %4u\n", cpu, cpu % per_socket / per_core,
		       cpu / per_socket, 0u);
	printf("device topology        :\ndevice           node\nNo device topology data available\n");
	printf("numa_info              :\nnode:    memsize    memfree    distances\n");
	printf("%4u:    %6llu     %6llu      %u\n", 0u, (unsigned long long)h->memory >> 20,
	       (unsigned long long)(h->memory_free - h->memory_outstanding) >> 20, 10u);
}

static int one_field(struct call *c, const struct row *row)
{
	for (const struct column *f = fields; f->head || f->key; f++) {
		if (!f->head || strcmp(f->head, c->arg[0]))
			continue;
		if (output_is_text(c)) {
			print_field(row, f, false);
		} else {
			/* Where xl's unit is another, the row behind has it for programs. */
			const struct column one[2] = { f->key ? *f : f[1], { 0 } };

			output_begin(c, one);
			output_row(c, row);
		}
		return 0;
	}
	return call_refuse(c, FROE_NOT_FOUND, c->arg[0], "no-such-field",
	                   "froe info without an argument shows all", "%s: no such field",
	                   c->arg[0]);
}

static int info(struct call *c)
{
	struct row row;

	if (froe_host_info(c->froe, &row.h))
		return call_failed(c, NULL);
	if (!row.h.scheduler)
		row.h.scheduler = "";
	uname(&row.name);
	if (c->args)
		return one_field(c, &row);
	if (!output_is_text(c)) {
		output_begin(c, fields);
		output_row(c, &row);
		return 0;
	}
	for (const struct column *f = fields; f->head || f->key; f++)
		if (f->head)
			print_field(&row, f, true);
	if (call_has(c, 'n'))
		print_numa(&row.h);
	return 0;
}

static const struct cmd_option options[] = {
	{ 'n', "numa", NULL, "Also CPUs and memory by NUMA nodes" },
	{ 0 },
};

const struct cmd cmd_info = {
	.name = "info",
	.arguments = "[FIELD]",
	.summary = "Show the machine and its hypervisor, or one field of it",
	.options = options,
	.most = 1,
	.run = info,
};
