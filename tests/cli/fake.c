/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A libctl for tests of froe on a machine without a hypervisor: its real parser, and below it
 * canned answers. The file $FROE_FAKE has a line for each thing, of KEY=VALUE words behind its
 * kind:
 *
 *	domain id=1 name=web uuid=... flags=rbpsd reason=1 memory=134217728 max= claim= time= vcpus=
 *	vcpu domain=1 id=0 cpu=1 state=ro time=5 hard=0-1 soft=all
 *	host cpus=2 memory=...
 *	dmesg text (the rest of the line, | for a new line)
 *	restart id=4 next=7 (until it is waited for)
 *	fail what=list code=12 id=unreachable error=... (the rest of the line)
 *
 * When the file $FROE_FAKE_GONE exists, no domain is there any more; $FROE_FAKE_DURING_CREATE is
 *run while one is created. What froe does is appended to $FROE_FAKE_LOG, and changes the domains
 *for the rest of the run.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "internal.h"

#define DOMAINS 128

struct line {
	char kind[16];
	char text[1024];
};

static struct line lines[512];
static size_t count;
static struct froe_domain domain[DOMAINS];
static size_t domains;
static bool loaded;

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	const char *path = getenv("FROE_FAKE_LOG");
	FILE *log = path ? fopen(path, "a") : NULL;
	va_list args;

	if (!log)
		return;
	va_start(args, fmt);
	vfprintf(log, fmt, args);
	va_end(args);
	fputc('\n', log);
	fclose(log);
}

/* The value of key in a line, up to the next space; "" if it is not there. */
static const char *value(const struct line *l, const char *key)
{
	static char found[8][256];
	static unsigned turn;
	const size_t length = strlen(key);
	char *to = found[turn++ % 8];

	for (const char *c = l->text; c && *c; c = strchr(c, ' ')) {
		c += strspn(c, " ");
		if (strncmp(c, key, length) || c[length] != '=')
			continue;
		snprintf(to, sizeof(found[0]), "%.*s", (int)strcspn(c + length + 1, " "),
		         c + length + 1);
		return to;
	}
	return "";
}

static uint64_t number(const struct line *l, const char *key)
{
	return strtoull(value(l, key), NULL, 0);
}

static uint32_t flags(const char *letters)
{
	static const char all[] = "rbpsd";
	uint32_t bits = 0;

	for (; *letters; letters++)
		bits |= 1u << (strchr(all, *letters) - all);
	return bits;
}

static void load(const char *path)
{
	FILE *file = path ? fopen(path, "r") : NULL;
	char text[1100];

	loaded = true;
	count = domains = 0;
	while (file && fgets(text, sizeof(text), file)) {
		struct line *l = &lines[count];
		struct froe_domain *d = &domain[domains];

		text[strcspn(text, "\n")] = '\0';
		if (sscanf(text, "%15s %1023[^\n]", l->kind, l->text) < 1 || *l->kind == '#')
			continue;
		count++;
		if (strcmp(l->kind, "domain"))
			continue;
		domains++;
		d->id = (uint32_t)number(l, "id");
		snprintf(d->name, sizeof(d->name), "%.127s", value(l, "name"));
		froe_uuid_parse(value(l, "uuid"), d->uuid);
		d->flags = flags(value(l, "flags"));
		d->shutdown_reason = (enum froe_shutdown)number(l, "reason");
		d->memory = number(l, "memory");
		d->memory_max = number(l, "max");
		d->outstanding = number(l, "claim");
		d->cpu_time = number(l, "time");
		d->vcpus = (uint32_t)number(l, "vcpus");
		d->vcpus_max = d->vcpus;
	}
	if (file)
		fclose(file);
}

/* Load if need be, and fail if the script says so. */
static int begin(struct froe *f, const char *what)
{
	const char *later = getenv("FROE_FAKE_LATER");

	if (later && !access(later, F_OK))
		load(later);
	else if (!loaded)
		load(getenv("FROE_FAKE"));
	for (size_t i = 0; i < count; i++) {
		const char *text = strstr(lines[i].text, "error=");

		if (strcmp(lines[i].kind, "fail") || strcmp(value(&lines[i], "what"), what))
			continue;
		froe__fail(f, (enum froe_code)number(&lines[i], "code"), "a hint", "%s",
		           text ? text + 6 : "");
		return -1;
	}
	return 0;
}

static const struct line *find_line(const char *kind)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(lines[i].kind, kind))
			return &lines[i];
	return NULL;
}

static struct froe_domain *by_id(uint32_t id)
{
	for (size_t i = 0; i < domains; i++)
		if (domain[i].id == id)
			return &domain[i];
	return NULL;
}

/* --- domains ----------------------------------------------------------------------------- */

int froe_domain_list(struct froe *f, struct froe_domain **list, size_t *n)
{
	if (begin(f, "list"))
		return -1;
	note("list");
	*list = malloc(sizeof(domain));
	memcpy(*list, domain, sizeof(domain));
	*n = domains;
	return 0;
}

int froe_domain_find(struct froe *f, const char *what, struct froe_domain *d)
{
	const bool digits = *what && strspn(what, "0123456789") == strlen(what);
	char uuid[FROE_UUID_TEXT];

	if (begin(f, "list"))
		return -1;
	for (size_t i = 0; i < domains; i++) {
		froe_uuid_format(domain[i].uuid, uuid);
		if (digits ? domain[i].id == strtoul(what, NULL, 10)
		           : !strcmp(domain[i].name, what) || !strcmp(uuid, what)) {
			*d = domain[i];
			return 0;
		}
	}
	return froe__no_domain(f, what);
}

int froe_domain_info(struct froe *f, uint32_t id, struct froe_domain *d)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", id);
	return froe_domain_find(f, text, d);
}

int froe_restart_wait(struct froe *f, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(lines[i].kind, "restart") && number(&lines[i], "id") == id) {
			by_id(id)->id = (uint32_t)number(&lines[i], "next");
			note("restarted %u", id);
			return 1;
		}
	return 0;
}

static int change(struct froe *f, const char *what, uint32_t id, uint32_t set, uint32_t clear)
{
	struct froe_domain *d;

	if (begin(f, what))
		return -1;
	note("%s %u", what, id);
	d = by_id(id);
	if (d)
		d->flags = (d->flags & ~clear) | set;
	return 0;
}

int froe_domain_pause(struct froe *f, uint32_t id)
{
	return change(f, "pause", id, FROE_PAUSED, 0);
}

int froe_domain_unpause(struct froe *f, uint32_t id)
{
	return change(f, "unpause", id, 0, FROE_PAUSED);
}

int froe_domain_destroy(struct froe *f, uint32_t id)
{
	return change(f, "destroy", id, FROE_DYING, 0);
}

int froe_domain_request(struct froe *f, uint32_t id, const char *what)
{
	if (begin(f, "request"))
		return -1;
	note("request %u %s", id, what);
	return 0;
}

int froe_domain_wait(struct froe *f, uint32_t id, enum froe_wait what, int timeout_ms)
{
	static const char *const words[] = { "taken", "shutdown", "gone" };
	char name[32];

	note("wait %u %s %d", id, words[what], timeout_ms);
	snprintf(name, sizeof(name), "wait-%s", words[what]);
	return begin(f, name);
}

int froe_domain_create(struct froe *f, const struct froe_config *c, const struct froe_create *how,
                       uint32_t *id)
{
	struct froe_domain *d = &domain[domains];
	const char *run = getenv("FROE_FAKE_DURING_CREATE");

	if (begin(f, "create"))
		return -1;
	if (how->instead)
		note("%s %u", how->keep ? "set aside" : "destroy", how->instead);
	note("create %s memory=%llu vcpus=%u%s", c->name, (unsigned long long)c->memory, c->vcpus,
	     how->paused ? " paused" : "");
	if (run && system(run))
		return froe__fail(f, FROE_FAIL, "", "%s failed", run);
	*id = 7;
	*d = (struct froe_domain){ .id = 7 };
	snprintf(d->name, sizeof(d->name), "%s", c->name);
	memcpy(d->uuid, c->uuid, sizeof(d->uuid));
	domains++;
	return 0;
}

int froe_vcpu_list(struct froe *f, uint32_t id, struct froe_vcpu **list, size_t *n)
{
	if (begin(f, "vcpus"))
		return -1;
	*list = calloc(count, sizeof(**list));
	*n = 0;
	for (size_t i = 0; i < count; i++) {
		const struct line *l = &lines[i];
		struct froe_vcpu *v = &(*list)[*n];

		if (strcmp(l->kind, "vcpu") || number(l, "domain") != id)
			continue;
		(*n)++;
		v->id = (uint32_t)number(l, "id");
		v->cpu = (uint32_t)number(l, "cpu");
		v->online = strchr(value(l, "state"), 'o');
		v->running = strchr(value(l, "state"), 'r');
		v->blocked = strchr(value(l, "state"), 'b');
		v->cpu_time = number(l, "time");
		froe_cpumap_parse(f, value(l, "hard"), &v->hard);
		froe_cpumap_parse(f, value(l, "soft"), &v->soft);
	}
	return 0;
}

/* --- the host ---------------------------------------------------------------------------- */

int froe_host_info(struct froe *f, struct froe_host *h)
{
	const struct line *l;

	if (begin(f, "host"))
		return -1;
	l = find_line("host");
	*h = (struct froe_host){
		.cpus_online = 2,
		.cpu_max_id = 1,
		.nodes = 1,
		.cores_per_socket = 2,
		.threads_per_core = 1,
		.cpu_khz = 2400050,
		.hw_caps = { 0x178bfbff, 0xf7fa3223, 0x2e500800, 0x244037ff, 0xf, 0x219c91a9, 0,
		             0x100 },
		.hvm = true,
		.hap = true,
		.memory = 4095ull << 20,
		.memory_free = 2000ull << 20,
		.memory_outstanding = 100ull << 20,
		.version_major = 4,
		.version_minor = 17,
		.version_extra = ".0-froe",
		.capabilities = "hvm-3.0-x86_64",
		.changeset = "unavailable",
		.command_line = "dom0_mem=1G",
		.compiler = "gcc",
		.compiled_by = "froe",
		.compiled_domain = "(none)",
		.compiled_date = "(none)",
		.build_id = "",
		.platform_params = "virt_start=0xffff800000000000",
		.scheduler = "credit2",
		.page_size = 4096,
	};
	if (l && number(l, "cpus"))
		h->cpus_online = (uint32_t)number(l, "cpus");
	return 0;
}

int froe_host_dmesg(struct froe *f, bool clear, char **text, size_t *size)
{
	const struct line *l;

	if (begin(f, "dmesg"))
		return -1;
	note("dmesg%s", clear ? " clear" : "");
	l = find_line("dmesg");
	*text = strdup(l ? l->text : "");
	*size = strlen(*text);
	for (char *c = *text; *c; c++)
		if (*c == '|')
			*c = '\n';
	return 0;
}

int froe_kernel_unpack(struct froe *f, const char *from, const char *to)
{
	if (begin(f, "unpack"))
		return -1;
	note("unpack %s %s", from, to);
	return 0;
}
