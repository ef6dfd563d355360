/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests from a configuration: what is in their memory, in the store and in /run/froe; and that
 * nothing of it is left when any one step fails, or when they are destroyed.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "build.h"
#include "check.h"
#include "elf_file.h"
#include "fake_store.h"
#include "fake_xen.h"
#include <xen/grant_table.h>

static uint8_t elf[ELF_SIZE], initrd[10000];
static struct froe *f;
static struct froe_config config;
static char kernel_path[128], initrd_path[128];

static void configure(void)
{
	config = (struct froe_config){
		.name = (char *)"web.example",
		.uuid = { 0x12, 0x34, 0x56, 0x78, [15] = 0x99 },
		.kernel = kernel_path,
		.ramdisk = initrd_path,
		.cmdline = (char *)"console=hvc0 root=/dev/xvda",
		.memory = 64 * MIB,
		.memory_max = 64 * MIB,
		.vcpus = 2,
		.vcpus_max = 3,
		.on_crash = FROE_ACTION_RESTART,
		.text = (char *)"name = 'web.example'\n",
	};
}

static void begin(void)
{
	fake_xen_reset();
	fake_store_clear();
	for (int id = 1; id < 4; id++) {
		char path[100];

		snprintf(path, sizeof(path), "%s/guest/%d.cfg", check_folder, id);
		unlink(path);
	}
	configure();
}

static bool run_file(char *text, size_t size, const char *name)
{
	char path[200];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", check_folder, name);
	file = fopen(path, "r");
	if (!file)
		return false;
	n = fread(text, 1, size - 1, file);
	text[n] = 0;
	fclose(file);
	return true;
}

static unsigned domains(void)
{
	unsigned n = 0;

	for (int i = 0; i < FAKE_DOMAINS; i++)
		n += fake_domain[i] != NULL;
	return n;
}

static bool node_is(const char *path, const char *value, const char *perms)
{
	const char *v = fake_store_get(path), *p = fake_store_perms(path);

	if (v && !strcmp(v, value) && !strcmp(p, perms))
		return true;
	fprintf(stderr, "%s: '%s' '%s', wanted '%s' '%s'\n", path, v ? v : "(none)",
	        p ? p : "(none)", value, perms);
	return false;
}

/* --- a good one ------------------------------------------------------------------------ */

static void check_memory(struct fake_domain *d)
{
	static uint8_t got[ELF_SIZE];
	struct hvm_start_info info;
	struct hvm_modlist_entry module;
	grant_entry_v1_t *g = (grant_entry_v1_t *)d->grants;
	char text[64];

	REQUIRE(fake_read(d, ELF_LOAD, got, ELF_DATA - ELF_TEXT));
	CHECK(!memcmp(got, elf + ELF_TEXT, ELF_DATA - ELF_TEXT));
	REQUIRE(fake_read(d, ELF_LOAD2, got, ELF_SIZE - ELF_DATA));
	CHECK(!memcmp(got, elf + ELF_DATA, ELF_SIZE - ELF_DATA));
	CHECK_EQ(d->rip, ELF_LOAD + 0x40);
	CHECK(d->vcpu_set);
	REQUIRE(fake_read(d, d->rbx, &info, sizeof(info)));
	CHECK_EQ(info.magic, 0x336ec578);
	REQUIRE(fake_read(d, info.cmdline_paddr, text, sizeof(text)));
	CHECK(!strcmp(text, config.cmdline));
	CHECK_EQ(info.nr_modules, 1);
	REQUIRE(fake_read(d, info.modlist_paddr, &module, sizeof(module)));
	CHECK_EQ(module.size, sizeof(initrd));
	REQUIRE(fake_read(d, module.paddr, got, sizeof(initrd)));
	CHECK(!memcmp(got, initrd, sizeof(initrd)));
	REQUIRE(fake_read(d, info.rsdp_paddr, text, 8));
	CHECK(!memcmp(text, "RSD PTR ", 8));
	/* Two rings that begin empty, and the right to map them. */
	for (uint64_t gfn = 0xfeffc; gfn <= 0xfefff; gfn += 3) {
		REQUIRE(fake_read(d, gfn << 12, got, 4096));
		for (int i = 0; i < 4096; i++)
			CHECK(!got[i]);
	}
	CHECK(g[0].flags == 1 && g[0].domid == 0 && g[0].frame == 0xfefff);
	CHECK(g[1].flags == 1 && g[1].domid == 0 && g[1].frame == 0xfeffc);
	CHECK_EQ(d->params[1], 0xfeffc);
	CHECK_EQ(d->params[17], 0xfefff);
	CHECK(d->params[2] && d->params[18] && d->params[2] != d->params[18]);
	CHECK_EQ(d->map_count, 3);
	CHECK_EQ(d->pages, 64 * MIB / PAGE + 3);
	CHECK_EQ(d->max_pages, 65 * MIB / PAGE);
	CHECK_EQ(fake_large, 32);
	CHECK_EQ(d->vcpus, 3);
	CHECK(!memcmp(d->handle, config.uuid, 16));
}

static void check_store(struct fake_domain *d)
{
	char port[12];

	CHECK(node_is("/local/domain/1", "", "n0,r1"));
	CHECK(node_is("/local/domain/1/name", "web.example", "n0,r1"));
	CHECK(node_is("/local/domain/1/domid", "1", "n0,r1"));
	CHECK(node_is("/local/domain/1/vm", "/vm/12345678-0000-0000-0000-000000000099", "n0,r1"));
	CHECK(node_is("/local/domain/1/memory/static-max", "65536", "n0,r1"));
	CHECK(node_is("/local/domain/1/memory/target", "65536", "n0,r1"));
	CHECK(node_is("/local/domain/1/store/ring-ref", "1044476", "n0,r1"));
	CHECK(node_is("/local/domain/1/console/ring-ref", "1044479", "n0,r1"));
	sprintf(port, "%lu", d->params[2]);
	CHECK(node_is("/local/domain/1/store/port", port, "n0,r1"));
	sprintf(port, "%lu", d->params[18]);
	CHECK(node_is("/local/domain/1/console/port", port, "n0,r1"));
	CHECK(node_is("/local/domain/1/console/type", "xenconsoled", "n0,r1"));
	CHECK(node_is("/local/domain/1/cpu/1/availability", "online", "n0,r1"));
	CHECK(node_is("/local/domain/1/cpu/2/availability", "offline", "n0,r1"));
	CHECK(!fake_store_get("/local/domain/1/cpu/3"));
	CHECK(node_is("/local/domain/1/device", "", "n0,r1"));
	CHECK(node_is("/local/domain/1/control/shutdown", "", "n1"));
	CHECK(node_is("/local/domain/1/control/sysrq", "", "n1"));
	CHECK(node_is("/local/domain/1/control/feature-suspend", "", "n1"));
	CHECK(node_is("/local/domain/1/control/platform-feature-xs_reset_watches", "1", "n0,r1"));
	CHECK(node_is("/local/domain/1/error", "", "n1"));
	CHECK(node_is("/local/domain/1/device/suspend/event-channel", "", "n1"));
	CHECK(node_is("/vm/12345678-0000-0000-0000-000000000099/name", "web.example", "n0,r1"));
	CHECK(node_is("/vm/12345678-0000-0000-0000-000000000099/on_crash", "restart", "n0,r1"));
	CHECK(node_is("/vm/12345678-0000-0000-0000-000000000099/on_reboot", "destroy", "n0,r1"));
	CHECK_EQ(fake_introduced, 1);
}

static void test_create(void)
{
	struct froe_create paused = { .paused = true };
	struct froe_domain found;
	char text[100], *before;
	uint32_t id = 0;
	struct stat st;

	begin();
	before = fake_store_dump();
	REQUIRE(froe_domain_create(f, &config, &paused, &id) == 0);
	CHECK_EQ(id, 1);
	check_memory(fake_domain[1]);
	check_store(fake_domain[1]);
	CHECK(!fake_domain[1]->started);
	CHECK(run_file(text, sizeof(text), "guest/1.cfg") && !strcmp(text, config.text));
	snprintf(text, sizeof(text), "%s/guest/1.cfg", check_folder);
	CHECK(stat(text, &st) == 0 && (st.st_mode & 0777) == 0600);

	/* It is found by all that it is called. */
	CHECK(froe_domain_find(f, "web.example", &found) == 0 && found.id == 1);
	CHECK(froe_domain_find(f, "1", &found) == 0 && !strcmp(found.name, "web.example"));
	CHECK(froe_domain_find(f, "12345678-0000", &found) == 0 && found.id == 1);
	CHECK_FAILS(f, froe_domain_find(f, "web", &found), FROE_NOT_FOUND, "'web'");
	CHECK(!strcmp(froe_error_id(f), "no-such-domain"));
	CHECK_FAILS(f, froe_domain_find(f, "1234567", &found), FROE_NOT_FOUND, "1234567");

	/* Its name and its UUID are taken. */
	CHECK_FAILS(f, froe_domain_create(f, &config, NULL, &id), FROE_EXISTS, "web.example");
	config.name = (char *)"other";
	CHECK_FAILS(f, froe_domain_create(f, &config, NULL, &id), FROE_EXISTS, "UUID 12345678");
	config.uuid[0]++;
	CHECK(froe_domain_create(f, &config, NULL, &id) == 0);
	CHECK(fake_domain[id]->started);
	CHECK_EQ(domains(), 3);

	CHECK_FAILS(f, froe_domain_destroy(f, 0), FROE_USAGE, "control domain");
	CHECK_FAILS(f, froe_domain_destroy(f, 7), FROE_NOT_FOUND, "7");
	CHECK(froe_domain_destroy(f, 1) == 0);
	CHECK(froe_domain_destroy(f, id) == 0);
	CHECK_EQ(domains(), 1);
	CHECK(!run_file(text, sizeof(text), "guest/1.cfg"));
	/* Directories that held them stay. */
	fake_store_set("/local", NULL);
	fake_store_set("/vm", NULL);
	fake_store_set("/froe", NULL);
	char *after = fake_store_dump();

	CHECK(!strcmp(before, after));
	free(before);
	free(after);
}

/* --- guests of other tools, and what is left of ours ----------------------------------- */

static void test_names(void)
{
	char longest[FROE_NAME_MAX + 1] = "";
	struct froe_domain d, *list;
	uint32_t id;
	size_t n;

	begin();
	fake_store_set("/local/domain/0/name", "Domain-0");
	fake_store_set("/local/domain/9/name", "foreign one");
	fake_domain[9] = calloc(1, sizeof(struct fake_domain));
	fake_domain[9]->id = 9;
	config.name = (char *)"foreign one";
	CHECK_FAILS(f, froe_domain_create(f, &config, NULL, &id), FROE_EXISTS, "domain 9");
	CHECK_FAILS(f, froe_domain_find(f, "Domain-1", &d), FROE_NOT_FOUND, "Domain-1");
	CHECK(froe_domain_find(f, "Domain-0", &d) == 0 && d.id == 0);
	/* An index that says what is not so: of a guest that somebody else destroyed. */
	fake_store_set("/froe/name/gone", "5");
	fake_store_set("/vm/12345678-0000-0000-0000-000000000099/name", "gone");
	config.name = (char *)"gone";
	CHECK(froe_domain_create(f, &config, NULL, &id) == 0);
	CHECK(froe_domain_find(f, "gone", &d) == 0 && d.id == id);
	REQUIRE(froe_domain_list(f, &list, &n) == 0);
	CHECK_EQ(n, 3);
	CHECK(!strcmp(list[0].name, "Domain-0") && !strcmp(list[1].name, "gone"));
	free(list);
	/* One that is in the store only, because the tool that destroyed it was killed. */
	free(fake_domain[9]);
	fake_domain[9] = NULL;
	CHECK_FAILS(f, froe_domain_find(f, "foreign one", &d), FROE_NOT_FOUND, "foreign one");
	config.name = (char *)"foreign one";
	config.uuid[0]++;
	CHECK(froe_domain_create(f, &config, NULL, &id) == 0);
	CHECK(!fake_store_get("/local/domain/9"));
	CHECK(froe_domain_destroy(f, id) == 0);
	/* The longest name: three characters of a file's name for each of its own. */
	config.name = longest;
	memset(longest, '+', FROE_NAME_MAX);
	CHECK(froe_domain_create(f, &config, NULL, &id) == 0);
	CHECK(froe_domain_find(f, longest, &d) == 0 && d.id == id);
	CHECK(froe_domain_destroy(f, id) == 0);
}

/* As it was before: no domain, no node, no file. */
static void check_nothing(const char *before)
{
	char *now, text[10];

	CHECK_EQ(domains(), 1);
	fake_store_set("/local", NULL);
	fake_store_set("/vm", NULL);
	fake_store_set("/froe", NULL);
	now = fake_store_dump();
	if (!CHECK(!strcmp(before, now)))
		fprintf(stderr, "%s", now);
	free(now);
	for (int id = 1; id < 4; id++) {
		char name[32];

		snprintf(name, sizeof(name), "guest/%d.cfg", id);
		CHECK(!run_file(text, sizeof(text), name));
	}
	CHECK(!run_file(text, sizeof(text), "lock/web_2eexample"));
}

/* --- one in place of another ----------------------------------------------------------- */

/* What is called `name` is `id`, for everybody who asks. */
static bool is_called(const char *name, uint32_t id)
{
	char path[64], text[FROE_UUID_TEXT];
	struct froe_domain d;
	const char *vm;

	snprintf(path, sizeof(path), "/local/domain/%u/vm", id);
	vm = fake_store_get(path);
	if (froe_domain_find(f, name, &d) < 0 || d.id != id || !vm)
		return false;
	froe_uuid_format(d.uuid, text);
	snprintf(path, sizeof(path), "/vm/%s/name", text);
	return !strncmp(vm, path, strlen(path) - 5) && fake_store_get(path) &&
	       !strcmp(fake_store_get(path), name);
}

static void test_instead(void)
{
	struct froe_create how = { .instead = 1 };
	char text[100], aside[2][FROE_NAME_MAX + 1];
	struct froe_domain d;
	uint32_t id;
	char *before;

	begin();
	before = fake_store_dump();
	REQUIRE(froe_domain_create(f, &config, NULL, &id) == 0 && id == 1);
	CHECK_FAILS(f, froe_domain_create(f, &config, &how, &id), FROE_USAGE, "has not ended");
	fake_flags[1] = XEN_DOMINF_shutdown;
	config.kernel = (char *)"/nothing";
	CHECK_FAILS(f, froe_domain_create(f, &config, &how, &id), FROE_BUILD, "/nothing");
	CHECK(is_called("web.example", 1));
	config.kernel = kernel_path;
	CHECK(froe_domain_create(f, &config, &how, &id) == 0 && id == 2);
	CHECK(!fake_domain[1] && is_called("web.example", 2));
	/* It stays, with another name, and with nothing more to follow from its end. */
	for (how.keep = true; id < 4; id++) {
		char at[128];

		how.instead = id;
		fake_flags[id] = XEN_DOMINF_shutdown;
		REQUIRE(froe_domain_create(f, &config, &how, NULL) == 0);
		CHECK(is_called("web.example", id + 1));
		REQUIRE(froe_domain_info(f, id, &d) == 0);
		strcpy(aside[id - 2], d.name);
		CHECK(!strncmp(d.name, "web.example-20", 14) && is_called(d.name, id));
		CHECK(strlen(d.name) >= strlen("web.example-20261128T1400Z") && d.name[20] == 'T' &&
		      d.name[25] == 'Z');
		froe_uuid_format(d.uuid, text);
		snprintf(at, sizeof(at), "/vm/%s/on_reboot", text);
		CHECK(fake_store_get(at) && !strcmp(fake_store_get(at), "preserve"));
	}
	CHECK(strcmp(aside[0], aside[1]));
	CHECK(run_file(text, sizeof(text), "guest/2.cfg"));
	for (id = 2; id < 5; id++)
		CHECK(froe_domain_destroy(f, id) == 0);
	check_nothing(before);
	free(before);
}

/* Whatever fails, what is left of the old one has the old name or the new one as a whole. */
static void test_instead_fails(void)
{
	struct froe_create how = { .instead = 1, .keep = true };
	unsigned failed = 0, renamed = 0;
	uint32_t id;

	for (int store = 0; store < 2; store++) {
		int rc = -1;

		for (int at = 1; rc && at < 300; at++) {
			begin();
			REQUIRE(froe_domain_create(f, &config, NULL, &id) == 0);
			fake_flags[1] = XEN_DOMINF_shutdown;
			if (store)
				fake_refuse_at = at;
			else
				fake_fail_at = fake_calls + at;
			fake_fail_with = ENOMEM;
			rc = froe_domain_create(f, &config, &how, &id);
			fake_refuse_at = 0;
			failed += rc != 0;
			if (!rc || is_called("web.example", 1))
				continue;
			renamed++;
			CHECK(is_called(fake_store_get("/local/domain/1/name"), 1));
			CHECK(domains() == 2 && !fake_store_get("/froe/name/web_2eexample"));
		}
		CHECK_EQ(rc, 0);
	}
	CHECK(failed > 80 && renamed > 40);
}

/* Whoever looks for a guest that is restarted finds it, in its last life or its next one. */
static bool over;
static size_t looks;

static void *look_for_it(void *unused)
{
	struct froe *own = froe_open();
	struct froe_domain d, *list;
	size_t count, n;

	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
		CHECK(froe_domain_find(own, "web.example", &d) == 0);
		CHECK(!strcmp(d.name, "web.example") && !(d.flags & FROE_DYING));
		REQUIRE(froe_domain_list(own, &list, &count) == 0);
		for (n = 0; n < count; n++)
			CHECK(n ? !strcmp(list[n].name, "web.example") : !list[n].id);
		CHECK_EQ(count, 2);
		free(list);
		__atomic_add_fetch(&looks, 1, __ATOMIC_RELEASE);
	}
	froe_close(own);
	return NULL;
}

static void test_restart_is_seen(void)
{
	struct froe_create how = { 0 };
	struct froe_domain last, d;
	pthread_t looker;
	uint32_t id;
	int fd;

	begin();
	REQUIRE(froe_domain_create(f, &config, NULL, &id) == 0);
	REQUIRE(pthread_create(&looker, NULL, look_for_it, NULL) == 0);
	for (int lives = 0; lives < 30; lives++) {
		size_t before = __atomic_load_n(&looks, __ATOMIC_ACQUIRE);

		how.instead = id;
		fake_flags[id] = XEN_DOMINF_shutdown | FROE_REBOOT << XEN_DOMINF_shutdownshift;
		CHECK(froe_domain_create(f, &config, &how, &id) == 0);
		while (__atomic_load_n(&looks, __ATOMIC_ACQUIRE) == before)
			sched_yield();
	}
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	pthread_join(looker, NULL);
	/* What somebody who was killed left behind is no guest. */
	REQUIRE(froe_domain_info(f, id, &last) == 0);
	fd = froe__restart_begin(f, &last);
	REQUIRE(fd >= 0 && froe_domain_destroy(f, id) == 0);
	CHECK(froe_domain_find(f, "web.example", &d) == 0 && d.id == id);
	CHECK(froe_domain_find(f, "12345678", &d) == 0 && d.id == id);
	close(fd);
	CHECK_FAILS(f, froe_domain_find(f, "web.example", &d), FROE_NOT_FOUND, "web.example");
	froe__restart_end(id, -1);
}

/* Returns once the thread waits for a lock. */
static void until_it_waits(void)
{
	char line[128], mine[32];
	bool waits = false;

	snprintf(mine, sizeof(mine), " %d ", getpid());
	while (!waits) {
		FILE *locks = fopen("/proc/locks", "r");

		REQUIRE(locks);
		while (fgets(line, sizeof(line), locks))
			waits |= strstr(line, "-> FLOCK") && strstr(line, mine);
		fclose(locks);
	}
}

static void *wait_for_it(void *id)
{
	return (void *)(intptr_t)froe_restart_wait(NULL, *(uint32_t *)id);
}

static void test_restart_is_waited_for(void)
{
	struct froe_domain last;
	pthread_t waiter;
	void *waited;
	uint32_t id;
	int fd;

	begin();
	REQUIRE(froe_domain_create(f, &config, NULL, &id) == 0);
	REQUIRE(froe_domain_info(f, id, &last) == 0);
	CHECK_EQ(froe_restart_wait(f, id), 0);
	fd = froe__restart_begin(f, &last);
	REQUIRE(fd >= 0 && pthread_create(&waiter, NULL, wait_for_it, &id) == 0);
	until_it_waits();
	froe__restart_end(id, fd);
	pthread_join(waiter, &waited);
	CHECK_EQ((intptr_t)waited, 1);
	CHECK_EQ(froe_restart_wait(f, id), 0);
	/* What somebody who was killed left behind is waited for by nobody. */
	close(froe__restart_begin(f, &last));
	CHECK_EQ(froe_restart_wait(f, id), 0);
	froe__restart_end(id, -1);
}

/* Two of one name at once: one comes to be. */
static void *create_one(void *result)
{
	struct froe *own = froe_open();
	int rc = froe_domain_create(own, &config, NULL, result);

	CHECK(rc == 0 || froe_code(own) == FROE_EXISTS);
	froe_close(own);
	return rc ? NULL : result;
}

static void test_lock(void)
{
	static char far[20000];
	char path[200], text[10];
	int fd;

	begin();
	/* Somebody else has it. */
	snprintf(path, sizeof(path), "%s/lock/web_2eexample", check_folder);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	REQUIRE(fd >= 0 && flock(fd, LOCK_EX) == 0);
	CHECK(!create_one(path));
	CHECK_EQ(domains(), 1);
	close(fd);
	CHECK(create_one(&(uint32_t){ 0 }));
	CHECK(!run_file(text, sizeof(text), "lock/web_2eexample"));
	/* A folder that there cannot be. */
	memset(far, 'x', sizeof(far) - 1);
	setenv("FROE_RUN_DIR", far, 1);
	CHECK_FAILS(f, froe_domain_create(f, &config, NULL, NULL), FROE_FAIL, "cannot write xxx");
	setenv("FROE_RUN_DIR", check_folder, 1);
}

/* --- failures -------------------------------------------------------------------------- */

static bool nodes_left(void)
{
	return fake_store_get("/local/domain/1") || fake_store_get("/froe/guest/1") ||
	       fake_store_get("/froe/name/web_2eexample") ||
	       fake_store_get("/vm/12345678-0000-0000-0000-000000000099");
}

/* Each hypercall in turn fails, with errors that mean different things. */
static void test_hypercalls(void)
{
	static const int errors[] = { ENOMEM, EINVAL, EPERM, ESRCH, EBUSY };
	unsigned failed = 0;
	uint32_t id;
	char *before;

	for (size_t e = 0; e < sizeof(errors) / sizeof(*errors); e++) {
		int rc = -1;

		for (unsigned at = 1; rc; at++) {
			begin();
			config.weight = 300;
			before = fake_store_dump();
			fake_fail_at = at;
			fake_fail_with = errors[e];
			rc = froe_domain_create(f, &config, NULL, &id);
			if (rc) {
				failed++;
				CHECK(froe_code(f) != FROE_OK && *froe_error(f));
				CHECK(!nodes_left());
				check_nothing(before);
			} else {
				CHECK(at > fake_calls); /* all of them were tried */
			}
			free(before);
		}
	}
	CHECK(failed > 75);
}

static void test_store_fails(void)
{
	unsigned failed = 0;
	uint32_t id;
	char *before;
	int rc = -1;

	for (int at = 1; rc && at < 200; at++) {
		begin();
		before = fake_store_dump();
		fake_refuse_at = at;
		rc = froe_domain_create(f, &config, NULL, &id);
		failed += rc != 0;
		if (rc) {
			CHECK(!nodes_left());
			check_nothing(before);
		}
		free(before);
	}
	fake_refuse_at = 0;
	CHECK_EQ(rc, 0);
	CHECK(failed > 40);
	/* Commits that meet with others', and connections that end, are nothing to see from
	 * outside. */
	begin();
	fake_conflicts = 5;
	CHECK(froe_domain_create(f, &config, NULL, &id) == 0);
	check_store(fake_domain[1]);
	for (int behind = 0; behind < 2; behind++)
		for (int at = 1; at < 70; at++) {
			begin();
			fake_drop_behind = behind;
			fake_drop_after = at;
			if (CHECK(froe_domain_create(f, &config, NULL, &id) == 0))
				check_store(fake_domain[1]);
		}
	fake_drop_after = 0;
}

static void test_refusals(void)
{
	struct froe_create how = { 0 };
	char long_line[3000];
	uint32_t id;

	begin();
	fake_free_pages = 64 * MIB / PAGE;
	CHECK_FAILS(f, froe_domain_create(f, &config, &how, &id), FROE_NO_CAPACITY, "64 MiB free");
	begin();
	fake_claim_limit = 40 * MIB / PAGE;
	CHECK_FAILS(f, froe_domain_create(f, &config, &how, &id), FROE_NO_CAPACITY, "MiB free");
	CHECK_EQ(domains(), 1);
	begin();
	fake_populate_limit = 40 * MIB / PAGE;
	CHECK_FAILS(f, froe_domain_create(f, &config, &how, &id), FROE_NO_CAPACITY, "web.example");
	CHECK_EQ(domains(), 1);
	begin();
	config.kernel = (char *)"/nothing";
	CHECK_FAILS(f, froe_domain_create(f, &config, &how, &id), FROE_BUILD, "/nothing");
	CHECK(!strcmp(froe_error_id(f), "build-failed"));
	begin();
	config.ramdisk = (char *)"/none";
	CHECK_FAILS(f, froe_domain_create(f, &config, &how, &id), FROE_BUILD, "initrd /none");
	begin();
	config.kernel = initrd_path;
	CHECK_FAILS(f, froe_domain_create(f, &config, &how, &id), FROE_BUILD, initrd_path);
	CHECK(*froe_hint(f));
	begin();
	config.memory = 17 * MIB;
	CHECK_FAILS(f, froe_domain_create(f, &config, &how, &id), FROE_INVALID, "MiB at least");
	begin();
	memset(long_line, 'x', sizeof(long_line) - 1);
	long_line[sizeof(long_line) - 1] = 0;
	config.cmdline = long_line;
	CHECK_FAILS(f, froe_domain_create(f, &config, &how, &id), FROE_INVALID, "2999 characters");
	begin();
	config.vcpus_max = 65;
	CHECK_FAILS(f, froe_domain_create(f, &config, &how, &id), FROE_INVALID, "refuses");
	CHECK_EQ(domains(), 1);
	/* A file that is cut short under our hands is no reason to die. */
	begin();
	config.ramdisk = long_line;
	strcpy(long_line, check_file("cut", initrd, sizeof(initrd)));
	fake_cut_file = long_line;
	CHECK_FAILS(f, froe_domain_create(f, &config, &how, &id), FROE_BUILD, "cannot read what");
	fake_cut_file = NULL;
	CHECK_EQ(domains(), 1);
	/* With no large pages left it takes small ones. */
	begin();
	fake_no_large = true;
	CHECK(froe_domain_create(f, &config, &how, &id) == 0);
	fake_large = 32;
	check_memory(fake_domain[1]);
	/* Odd sizes, around the 2 MiB grid and over the hole below 4 GiB. */
	for (uint64_t more = 4096; more < 4 * MIB; more = more * 3 + 4096) {
		begin();
		config.memory += more;
		CHECK(froe_domain_create(f, &config, &how, &id) == 0);
		CHECK_EQ(fake_domain[1]->pages, (64 * MIB + more) / PAGE + 3);
	}
	begin();
	fake_free_pages *= 4;
	config.memory = 5 * GIB;
	CHECK(froe_domain_create(f, &config, &how, &id) == 0);
	CHECK_EQ(fake_domain[1]->pages, 5 * GIB / PAGE + 3);
	CHECK(fake_read(fake_domain[1], 9 * GIB - 0xfc000001, long_line, 1));
	CHECK(!fake_read(fake_domain[1], 9 * GIB - 0xfc000000, long_line, 1));
}

static void test_affinity(void)
{
	struct froe_cpumap maps[3] = { { { 1 } }, { { 2 } }, { { 0 } } };
	uint32_t id;

	begin();
	config.hard = maps;
	config.cap = 50;
	CHECK_FAILS(f, froe_domain_create(f, &config, NULL, &id), FROE_INVALID, "vCPU 2");
	CHECK_EQ(domains(), 1);
	maps[2].word[0] = 3;
	CHECK(froe_domain_create(f, &config, NULL, &id) == 0);
	CHECK_EQ(fake_domain[id]->weight, 256);
	CHECK_EQ(fake_domain[id]->cap, 50);
}

/* --- waiting --------------------------------------------------------------------------- */

static void *end_it(void *unused)
{
	while (!fake_requests) /* it watches */
		sched_yield();
	fake_flags[1] = XEN_DOMINF_shutdown | 3 << XEN_DOMINF_shutdownshift;
	fake_store_set("@releaseDomain", "");
	return NULL;
}

static void test_no_store(void)
{
	struct froe_domain *list, d;
	uint32_t id;
	size_t n;

	begin();
	REQUIRE(froe_domain_create(f, &config, NULL, &id) == 0);
	fake_store_stop();
	froe_close(f);
	f = froe_open();
	unlink(getenv("FROE_STORE"));
	REQUIRE(froe_domain_list(f, &list, &n) == 0);
	CHECK(n == 2 && !*list[1].name && list[1].memory);
	free(list);
	CHECK(froe_domain_info(f, 1, &d) == 0 && !*d.name);
	CHECK_FAILS(f, froe_domain_create(f, &config, NULL, &id), FROE_UNREACHABLE, "the store");
	CHECK(froe_domain_destroy(f, 1) == 0);
	CHECK_EQ(domains(), 1);
	fake_store_start();
}

static void test_wait(void)
{
	struct froe_domain d;
	pthread_t thread;
	uint32_t id;

	begin();
	CHECK_FAILS(f, froe_domain_wait(f, 1, FROE_WAIT_GONE, 0), FROE_NOT_FOUND, "1");
	REQUIRE(froe_domain_create(f, &config, NULL, &id) == 0);
	CHECK_FAILS(f, froe_domain_wait(f, 1, FROE_WAIT_SHUTDOWN, 30), FROE_TIMEOUT, "domain 1");
	CHECK(froe_domain_request(f, 1, "poweroff") == 0);
	CHECK_FAILS(f, froe_domain_wait(f, 1, FROE_WAIT_TAKEN, 30), FROE_TIMEOUT, "answered");
	fake_store_set("/local/domain/1/control/shutdown", "");
	CHECK(froe_domain_wait(f, 1, FROE_WAIT_TAKEN, 1000) == 0);
	fake_requests = 0;
	pthread_create(&thread, NULL, end_it, NULL);
	CHECK(froe_domain_wait(f, 1, FROE_WAIT_SHUTDOWN, 20000) == 0);
	pthread_join(thread, NULL);
	CHECK(froe_domain_info(f, 1, &d) == 0 && d.flags & FROE_SHUTDOWN &&
	      d.shutdown_reason == FROE_CRASH);
	CHECK_FAILS(f, froe_domain_request(f, 1, "poweroff"), FROE_EXISTS, "has ended");
	CHECK(froe_domain_destroy(f, 1) == 0);
}

void test_main(void)
{
	elf_make(elf);
	for (size_t i = 0; i < sizeof(initrd); i++)
		initrd[i] = i * 7 + (i >> 8) + 1;
	strcpy(kernel_path, check_file("kernel", elf, sizeof(elf)));
	strcpy(initrd_path, check_file("initrd", initrd, sizeof(initrd)));
	setenv("FROE_CACHE_DIR", check_folder, 1);
	f = froe_open();
	fake_store_start();
	test_create();
	test_names();
	test_instead();
	test_instead_fails();
	test_restart_is_seen();
	test_restart_is_waited_for();
	test_lock();
	test_refusals();
	test_affinity();
	test_hypercalls();
	test_store_fails();
	test_wait();
	test_no_store();
	froe_close(f);
	fake_store_stop();
	fake_store_clear();
	fake_xen_reset();
	free(fake_domain[0]);
}
