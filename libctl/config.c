/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's configuration: from the settings of a file and of the command line to what a guest is
 * built of, with defaults filled in.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "config.h"

/* A guest file is a page of text; anything this large is something else. */
#define FILE_MAX (1 << 20)

#define MIB (1ull << 20)

/* With the words of xl's files, in the order of enum froe_action. */
static const char *const action_names[] = {
	"destroy",          "restart",          "rename-restart", "preserve",
	"coredump-destroy", "coredump-restart", "soft-reset",
};
#define ACTIONS (sizeof(action_names) / sizeof(*action_names))

const char *froe_action_name(enum froe_action a)
{
	return (unsigned)a < ACTIONS ? action_names[a] : "?";
}

/* --- settings -------------------------------------------------------------------------- */

static const struct setting *find(const struct parse *p, const char *key)
{
	for (const struct setting *s = p->first; s; s = s->next)
		if (!strcmp(s->key, key))
			return s;
	return NULL;
}

#define ERROR(p, s, hint, ...)                                                                     \
	froe__problem(p, SEVERITY_ERROR, &(s)->value.at, (s)->key, hint, __VA_ARGS__)
#define WARN(p, s, hint, ...)                                                                      \
	froe__problem(p, SEVERITY_WARNING, &(s)->at, (s)->key, hint, __VA_ARGS__)

/* A value that is bad or of a wrong kind was told before, and counts as not there. */
static const char *string(const struct parse *p, const char *key)
{
	const struct setting *s = find(p, key);

	return s && !s->value.bad && s->value.kind != VALUE_LIST ? s->value.text : NULL;
}

static uint64_t number(const struct parse *p, const char *key, uint64_t otherwise)
{
	const char *text = string(p, key);
	uint64_t n;

	return text && froe__config_number(text, &n) ? n : otherwise;
}

static char *keep(struct parse *p, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		p->nomem = true;
	return copy;
}

/* --- names and files ------------------------------------------------------------------- */

static void take_name(struct parse *p, struct froe_config *c)
{
	const struct setting *s = find(p, "name");
	const char *name = string(p, "name");

	if (!name)
		return;
	c->name = keep(p, name);
	if (!*name || strlen(name) > FROE_NAME_MAX)
		ERROR(p, s, NULL, "a name has 1 to %d characters", FROE_NAME_MAX);
	else if (strspn(name, "0123456789") == strlen(name))
		ERROR(p, s, NULL, "a name of digits alone would be taken for a domain's number");
	else if (!strcmp(name, "Domain-0"))
		ERROR(p, s, NULL, "that is the control domain's");
	else if (*name == '-')
		ERROR(p, s, NULL, "a name that begins with - would be taken for an option");
	else
		for (const char *n = name; *n; n++)
			if (!isgraph((unsigned char)*n) || *n == '/' || (unsigned char)*n > '~') {
				ERROR(p, s, "ASCII's letters, digits and marks but / are good",
				      "a name cannot have %s in it",
				      *n == '/'   ? "a /"
				      : *n == ' ' ? "a space"
				                  : "such a character");
				return;
			}
}

static void take_uuid(struct parse *p, struct froe_config *c)
{
	static const uint8_t control_domain[16];
	const char *text = string(p, "uuid");

	if (!text) {
		froe__uuid_make(c->uuid);
		return;
	}
	c->uuid_given = true;
	if (!froe_uuid_parse(text, c->uuid))
		ERROR(p, find(p, "uuid"), "01234567-89ab-cdef-0123-456789abcdef is the form",
		      "no UUID: \"%s\"", text);
	else if (!memcmp(c->uuid, control_domain, 16))
		ERROR(p, find(p, "uuid"), NULL, "that is the control domain's");
}

/* One more line of c->text, whose last may have no end. */
static void add_line(struct parse *p, struct froe_config *c, const char *line)
{
	const size_t length = strlen(c->text);
	char *text;

	if (!line || asprintf(&text, "%s%s%s\n", c->text,
	                      !length || c->text[length - 1] == '\n' ? "" : "\n", line) < 0) {
		p->nomem = true;
		return;
	}
	free(c->text);
	c->text = text;
}

/*
 * Paths are relative to where the command runs. A guest is built again from c->text, perhaps
 * somewhere else, so what is relative is added to it as an absolute path.
 */
static char *take_path(struct parse *p, struct froe_config *c, const char *key)
{
	const char *path = string(p, key), *again;
	char *here, *whole;

	if (!path)
		return NULL;
	if (!*path)
		ERROR(p, find(p, key), NULL, "no file is named");
	if (*path == '/' || !*path)
		return keep(p, path);
	here = getcwd(NULL, 0);
	if (!here) {
		ERROR(p, find(p, key), "an absolute path is good", "the current directory is gone");
		return NULL;
	}
	whole = froe__arena_format(p, "%s/%s", here, path);
	free(here);
	again = whole ? froe__config_quoted(p, whole) : NULL;
	if (again)
		add_line(p, c, froe__arena_format(p, "%s = %s", key, again));
	return keep(p, whole);
}

static void take_cmdline(struct parse *p, struct froe_config *c)
{
	const char *cmdline = string(p, "cmdline"), *root = string(p, "root");
	const char *extra = string(p, "extra");

	if (cmdline && (root || extra))
		WARN(p, find(p, root ? "root" : "extra"), NULL, "has no effect beside cmdline");
	if (!cmdline)
		cmdline = froe__arena_format(p, "%s%s%s%s", root ? "root=" : "", root ? root : "",
		                             root && extra ? " " : "", extra ? extra : "");
	c->cmdline = keep(p, cmdline);
	if (cmdline && strlen(cmdline) > CMDLINE_MAX)
		WARN(p,
		     find(p, string(p, "cmdline") ? "cmdline"
		             : extra              ? "extra"
		                                  : "root"),
		     NULL, "Linux takes %d characters of a command line, and this has %zu",
		     CMDLINE_MAX, strlen(cmdline));
}

/* --- memory and CPUs ------------------------------------------------------------------- */

static void take_memory(struct parse *p, struct froe_config *c)
{
	uint64_t memory = number(p, "memory", 0), maxmem = number(p, "maxmem", 0);

	c->memory = (memory ? memory : maxmem) * MIB;
	c->memory_max = (maxmem ? maxmem : memory) * MIB;
	if (memory && maxmem && maxmem < memory)
		ERROR(p, find(p, "maxmem"), NULL, "less than memory, %llu",
		      (unsigned long long)memory);
}

static void take_vcpus(struct parse *p, struct froe_config *c)
{
	uint64_t vcpus = number(p, "vcpus", 0), most = number(p, "maxvcpus", 0);

	/* Out of range was told; what follows must not fall over it. */
	if (vcpus > FROE_CPUS_MAX || most > FROE_CPUS_MAX)
		vcpus = most = 1;
	c->vcpus = (uint32_t)(vcpus ? vcpus : most ? most : 1);
	c->vcpus_max = (uint32_t)(most ? most : c->vcpus);
	if (vcpus && most && most < vcpus) {
		ERROR(p, find(p, "maxvcpus"), NULL, "less than vcpus, %llu",
		      (unsigned long long)vcpus);
		c->vcpus_max = c->vcpus;
	}
}

static bool read_cpus(struct parse *p, const struct setting *s, const struct value *v,
                      struct froe_cpumap *map)
{
	char why[128];

	if (v->kind == VALUE_LIST)
		snprintf(why, sizeof(why), "a list has no lists in it");
	else if (froe__cpumap_read(v->text, map, why, sizeof(why)))
		return true;
	froe__problem(p, SEVERITY_ERROR, &v->at, s->key, "for example \"0-3,^2\" or \"all\"", "%s",
	              why);
	return false;
}

/* One set for all vCPUs, or a list with one for each; those that it has none for run anywhere. */
static struct froe_cpumap *take_cpus(struct parse *p, const struct froe_config *c, const char *key)
{
	const struct setting *s = find(p, key);
	struct froe_cpumap *map, first;
	uint32_t i = 0;

	if (!s || s->value.bad)
		return NULL;
	map = malloc(c->vcpus_max * sizeof(*map));
	if (!map) {
		p->nomem = true;
		return NULL;
	}
	memset(map, 0xff, c->vcpus_max * sizeof(*map));
	if (s->value.kind != VALUE_LIST) {
		if (read_cpus(p, s, &s->value, &first))
			for (; i < c->vcpus_max; i++)
				map[i] = first;
		return map;
	}
	if (s->value.count > c->vcpus_max)
		ERROR(p, s, NULL, "%zu sets for %u vCPUs", s->value.count, c->vcpus_max);
	for (const struct value *v = s->value.item; v && i < c->vcpus_max; v = v->next, i++)
		read_cpus(p, s, v, &map[i]);
	return map;
}

/* --- what happens at its end ----------------------------------------------------------- */

static enum froe_action take_action(struct parse *p, const char *key, enum froe_action otherwise)
{
	const char *text = string(p, key);

	for (unsigned a = 0; text && a < ACTIONS; a++) {
		if (strcmp(text, action_names[a]))
			continue;
		if (a == FROE_ACTION_COREDUMP_DESTROY || a == FROE_ACTION_COREDUMP_RESTART)
			ERROR(p, find(p, key),
			      a == FROE_ACTION_COREDUMP_DESTROY
			              ? "\"destroy\" does the rest of it, \"preserve\" keeps its memory"
			              : "\"restart\" does the rest of it, \"rename-restart\" keeps its memory",
			      "not supported yet by Froe: it would need core dumps");
		if (a == FROE_ACTION_SOFT_RESET)
			ERROR(p, find(p, key), "\"restart\" boots it again",
			      "not supported yet by Froe: it would need soft resets");
		return a;
	}
	return otherwise;
}

static void take_actions(struct parse *p, struct froe_config *c)
{
	c->on_poweroff = take_action(p, "on_poweroff", FROE_ACTION_DESTROY);
	c->on_reboot = take_action(p, "on_reboot", FROE_ACTION_RESTART);
	c->on_watchdog = take_action(p, "on_watchdog", FROE_ACTION_DESTROY);
	c->on_crash = take_action(p, "on_crash", FROE_ACTION_DESTROY);
	c->on_soft_reset = take_action(p, "on_soft_reset", FROE_ACTION_PRESERVE);
}

/* --- the whole ------------------------------------------------------------------------- */

static void need(struct parse *p, const char *file, const char *key, const char *also,
                 const char *hint)
{
	struct where at = { .file = file, .line = 1, .column = 1 };

	if (!find(p, key) && (!also || !find(p, also)))
		froe__problem(p, SEVERITY_ERROR, &at, key, hint, "missing");
}

static void take_all(struct parse *p, const char *file, struct froe_config *c)
{
	const char *type = string(p, "type");

	need(p, file, "name", NULL, "name = \"web1\"");
	need(p, file, "kernel", NULL, "kernel = \"/boot/vmlinuz\", for example");
	need(p, file, "memory", "maxmem", "memory = 512 are 512 MiB");
	if (type && (!strcmp(type, "pv") || !strcmp(type, "hvm")))
		ERROR(p, find(p, "type"), "type = \"pvh\" is for every Linux with CONFIG_PVH",
		      "%s guests are not supported by Froe", *type == 'p' ? "classic PV" : "HVM");
	take_name(p, c);
	take_uuid(p, c);
	c->kernel = take_path(p, c, "kernel");
	/* Some tools write an empty one where there is none. */
	if (string(p, "ramdisk") && *string(p, "ramdisk"))
		c->ramdisk = take_path(p, c, "ramdisk");
	take_cmdline(p, c);
	take_memory(p, c);
	take_vcpus(p, c);
	c->hard = take_cpus(p, c, "cpus");
	c->soft = take_cpus(p, c, "cpus_soft");
	c->weight = (uint32_t)number(p, "cpu_weight", 0);
	c->cap = (uint32_t)number(p, "cap", 0);
	take_actions(p, c);
	c->max_event_channels = (uint32_t)number(p, "max_event_channels", 0);
	c->max_grant_frames = (uint32_t)number(p, "max_grant_frames", 0);
	c->max_maptrack_frames = (uint32_t)number(p, "max_maptrack_frames", 0);
}

static void add_overrides(struct parse *p, struct froe_config *c, const char *const *overrides,
                          size_t count)
{
	for (size_t i = 0; i < count && !p->nomem; i++)
		add_line(p, c, froe__config_override(p, overrides[i], (unsigned)i + 1));
}

/* The file's before the command line's, and what was found first stays first. */
static bool is_before(const struct froe_problem *a, const struct froe_problem *b)
{
	const bool a_late = !strcmp(a->file, "command line"),
		   b_late = !strcmp(b->file, "command line");

	if (a_late != b_late)
		return b_late;
	return a->line != b->line ? a->line < b->line : a->column < b->column;
}

static void sort(struct froe_problems *list)
{
	for (size_t i = 1; i < list->count; i++) {
		const struct froe_problem one = list->problem[i];
		size_t j = i;

		for (; j && is_before(&one, &list->problem[j - 1]); j--)
			list->problem[j] = list->problem[j - 1];
		list->problem[j] = one;
	}
}

int froe_config_parse(struct froe *f, const char *name, const char *text,
                      const char *const *overrides, size_t count, bool lax,
                      struct froe_config **config, struct froe_problems *problems)
{
	struct froe_config *c = calloc(1, sizeof(*c));
	struct parse p = { .lax = lax, .problems = problems };
	int rc = -1;

	*config = NULL;
	*problems = (struct froe_problems){ 0 };
	if (!c || !(c->text = strdup(text))) {
		free(c);
		return froe__nomem(f);
	}
	froe__config_read(&p, name, text);
	add_overrides(&p, c, overrides, count);
	froe__keys_check(&p);
	take_all(&p, name, c);
	sort(problems);
	if (p.nomem)
		froe__nomem(f);
	else if (problems->errors)
		froe__fail(f, FROE_INVALID, "", "%s: %zu error%s in the configuration", name,
		           problems->errors, problems->errors == 1 ? "" : "s");
	else
		rc = 0;
	froe__arena_free(&p);
	if (rc)
		froe_config_free(c);
	else
		*config = c;
	return rc;
}

static int read_file(struct froe *f, const char *path, char **text)
{
	char *buffer = malloc(FILE_MAX + 1);
	size_t size = 0;
	ssize_t n = 0;
	int fd, rc = -1;

	if (!buffer)
		return froe__nomem(f);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && size <= FILE_MAX &&
	       (n = read(fd, buffer + size, FILE_MAX + 1 - size)) > 0)
		size += (size_t)n;
	if (fd < 0 || n < 0)
		froe__fail(f, errno == ENOENT ? FROE_NOT_FOUND : FROE_INVALID, "",
		           "configuration %s: %m", path);
	else if (size > FILE_MAX)
		froe__fail(f, FROE_INVALID, "", "configuration %s: larger than %d bytes", path,
		           FILE_MAX);
	else if (memchr(buffer, '\0', size))
		froe__fail(f, FROE_INVALID, "", "configuration %s: no text: it has a zero byte",
		           path);
	else
		rc = 0;
	if (fd >= 0)
		close(fd);
	if (rc) {
		free(buffer);
		return rc;
	}
	buffer[size] = '\0';
	*text = buffer;
	return 0;
}

int froe_config_load(struct froe *f, const char *path, const char *const *overrides, size_t count,
                     bool lax, struct froe_config **config, struct froe_problems *problems)
{
	char *text = NULL;
	int rc;

	*config = NULL;
	*problems = (struct froe_problems){ 0 };
	rc = read_file(f, path, &text);
	if (rc)
		return rc;
	rc = froe_config_parse(f, path, text, overrides, count, lax, config, problems);
	free(text);
	return rc;
}

void froe_config_free(struct froe_config *c)
{
	if (!c)
		return;
	free(c->name);
	free(c->kernel);
	free(c->ramdisk);
	free(c->cmdline);
	free(c->hard);
	free(c->soft);
	free(c->text);
	free(c);
}

void froe_problems_free(struct froe_problems *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->problem[i].file);
		free(p->problem[i].text);
		free(p->problem[i].hint);
	}
	free(p->problem);
	*p = (struct froe_problems){ 0 };
}
