/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether this host has what a configuration names: files, memory, CPUs, and the name itself. It is
 * a look and no promise; what counts is what creating the guest finds.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "check.h"

#define EXIT_REFUSED 18

#define REFUSE(c, config, hint, ...)                                                               \
	call_refuse(c, EXIT_REFUSED, (config)->name, "refused", hint, __VA_ARGS__)

static int check_file(struct call *c, const struct froe_config *config, const char *key,
                      const char *path)
{
	if (!path || !access(path, R_OK))
		return 0;
	return REFUSE(c, config, NULL, "%s: %s %s: %s", config->name, key, path, strerror(errno));
}

static bool has(const struct froe_cpumap *map, unsigned cpu)
{
	return map->word[cpu / 64] >> cpu % 64 & 1;
}

/*
 * The first CPU that is named and that the host does not have. A set that has the very last one was
 * made of "all": of that there only has to be something left here.
 */
static int check_cpus(struct call *c, const struct froe_config *config, const char *key,
                      const struct froe_cpumap *map, uint32_t cpus)
{
	unsigned cpu = 0;

	if (!map)
		return 0;
	if (has(map, FROE_CPUS_MAX - 1)) {
		while (cpu < cpus && !has(map, cpu))
			cpu++;
		return cpu < cpus
		               ? 0
		               : REFUSE(c, config, NULL, "%s: %s: leaves none of the CPUs 0 to %u",
		                        config->name, key, cpus - 1);
	}
	for (cpu = cpus; cpu < FROE_CPUS_MAX; cpu++)
		if (has(map, cpu))
			return REFUSE(c, config, NULL, "%s: %s: no CPU %u, the host has 0 to %u",
			              config->name, key, cpu, cpus - 1);
	return 0;
}

static int check_machine(struct call *c, const struct froe_config *config)
{
	struct froe_domain d;
	struct froe_host h;
	uint64_t free;
	int rc = 0;

	if (froe_host_info(c->froe, &h))
		return call_failed(c, config->name);
	free = h.memory_free - h.memory_outstanding;
	if (config->memory > free)
		rc = REFUSE(c, config, "give it less memory, or end other guests",
		            "%s: memory: %llu MiB are wanted, and %llu MiB are free", config->name,
		            (unsigned long long)config->memory >> 20,
		            (unsigned long long)free >> 20);
	for (uint32_t i = 0; i < config->vcpus_max; i++) {
		const struct froe_cpumap *hard = config->hard ? &config->hard[i] : NULL;
		const struct froe_cpumap *soft = config->soft ? &config->soft[i] : NULL;
		int hard_rc = check_cpus(c, config, "cpus", hard, h.cpus_online);
		int soft_rc = check_cpus(c, config, "cpus_soft", soft, h.cpus_online);

		if (hard_rc || soft_rc) {
			rc = EXIT_REFUSED;
			break;
		}
	}
	if (!froe_domain_find(c->froe, config->name, &d))
		rc = REFUSE(c, config, NULL, "%s: there is a domain of this name, number %u",
		            config->name, d.id);
	else if (froe_code(c->froe) != FROE_NOT_FOUND)
		rc = call_failed(c, config->name);
	return rc;
}

int check_host(struct call *c, const struct froe_config *config)
{
	int kernel = check_file(c, config, "kernel", config->kernel);
	int ramdisk = check_file(c, config, "ramdisk", config->ramdisk);
	int machine = check_machine(c, config);

	return kernel ? kernel : ramdisk ? ramdisk : machine;
}
