/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's configuration as JSON, in the form of `xl create -n`: what scripts for xl look for is
 * at the same place, with xl's habits (KiB, strings for booleans, defaults left out, underscores in
 * actions).
 */
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>
#include "internal.h"
#include "utf8.h"

#define KIB 1024

static void text(yajl_gen g, const char *s)
{
	char *clean = strdup(s);

	if (!clean)
		return;
	utf8_clean(clean);
	yajl_gen_string(g, (const unsigned char *)clean, strlen(clean));
	free(clean);
}

static void text_field(yajl_gen g, const char *key, const char *value)
{
	if (!value)
		return;
	text(g, key);
	text(g, value);
}

static void number_field(yajl_gen g, const char *key, uint64_t value)
{
	text(g, key);
	yajl_gen_integer(g, (long long)value);
}

static void empty_field(yajl_gen g, const char *key)
{
	text(g, key);
	yajl_gen_map_open(g);
	yajl_gen_map_close(g);
}

static void action_field(yajl_gen g, const char *key, enum froe_action action)
{
	char name[32];

	/* xl leaves out what is 0. */
	if (action == FROE_ACTION_DESTROY)
		return;
	strncpy(name, froe_action_name(action), sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	text_field(g, key, name);
}

static void cpus(yajl_gen g, const struct froe_cpumap *map)
{
	yajl_gen_array_open(g);
	for (unsigned cpu = 0; cpu < FROE_CPUS_MAX; cpu++)
		if (map->word[cpu / 64] >> cpu % 64 & 1)
			yajl_gen_integer(g, cpu);
	yajl_gen_array_close(g);
}

static bool everywhere(const struct froe_cpumap *map)
{
	for (unsigned i = 0; i < FROE_CPUS_MAX / 64; i++)
		if (~map->word[i])
			return false;
	return true;
}

/* Up to the last vCPU that is not free to run anywhere, if there is one. */
static void cpus_field(yajl_gen g, const char *key, const struct froe_cpumap *map, uint32_t vcpus)
{
	while (map && vcpus && everywhere(&map[vcpus - 1]))
		vcpus--;
	if (!map || !vcpus)
		return;
	text(g, key);
	yajl_gen_array_open(g);
	for (uint32_t i = 0; i < vcpus; i++)
		cpus(g, &map[i]);
	yajl_gen_array_close(g);
}

static void creation(yajl_gen g, const struct froe_config *c)
{
	char uuid[FROE_UUID_TEXT];

	froe_uuid_format(c->uuid, uuid);
	text(g, "c_info");
	yajl_gen_map_open(g);
	text_field(g, "type", "pvh");
	text_field(g, "name", c->name);
	text_field(g, "uuid", uuid);
	text_field(g, "run_hotplug_scripts", "True");
	yajl_gen_map_close(g);
}

static void building(yajl_gen g, const struct froe_config *c)
{
	text(g, "b_info");
	yajl_gen_map_open(g);
	number_field(g, "max_vcpus", c->vcpus_max);
	text(g, "avail_vcpus");
	yajl_gen_array_open(g);
	for (uint32_t i = 0; i < c->vcpus; i++)
		yajl_gen_integer(g, i);
	yajl_gen_array_close(g);
	cpus_field(g, "vcpu_hard_affinity", c->hard, c->vcpus_max);
	cpus_field(g, "vcpu_soft_affinity", c->soft, c->vcpus_max);
	number_field(g, "max_memkb", c->memory_max / KIB);
	number_field(g, "target_memkb", c->memory / KIB);
	if (c->max_grant_frames)
		number_field(g, "max_grant_frames", c->max_grant_frames);
	if (c->max_maptrack_frames)
		number_field(g, "max_maptrack_frames", c->max_maptrack_frames);
	text(g, "sched_params");
	yajl_gen_map_open(g);
	if (c->weight)
		number_field(g, "weight", c->weight);
	if (c->cap)
		number_field(g, "cap", c->cap);
	yajl_gen_map_close(g);
	text_field(g, "claim_mode", "True");
	if (c->max_event_channels)
		number_field(g, "event_channels", c->max_event_channels);
	text_field(g, "kernel", c->kernel);
	text_field(g, "cmdline", *c->cmdline ? c->cmdline : NULL);
	text_field(g, "ramdisk", c->ramdisk);
	empty_field(g, "type.pvh");
	empty_field(g, "arch_arm");
	empty_field(g, "arch_x86");
	yajl_gen_map_close(g);
}

char *froe_config_json(struct froe *f, const struct froe_config *c)
{
	yajl_gen g = yajl_gen_alloc(NULL);
	const unsigned char *buffer;
	char *json = NULL;
	size_t size;

	if (!g)
		goto out;
	yajl_gen_config(g, yajl_gen_beautify, 1);
	yajl_gen_config(g, yajl_gen_indent_string, "    ");
	yajl_gen_map_open(g);
	creation(g, c);
	building(g, c);
	action_field(g, "on_poweroff", c->on_poweroff);
	action_field(g, "on_reboot", c->on_reboot);
	action_field(g, "on_watchdog", c->on_watchdog);
	action_field(g, "on_crash", c->on_crash);
	action_field(g, "on_soft_reset", c->on_soft_reset);
	yajl_gen_map_close(g);
	if (yajl_gen_get_buf(g, &buffer, &size) == yajl_gen_status_ok)
		json = strdup((const char *)buffer);
out:
	if (!json)
		froe__nomem(f);
	if (g)
		yajl_gen_free(g);
	return json;
}
