/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is read and changed of domains, vCPUs and the host, through a hypervisor that answers what a
 * test can know; errors, which are one line with a word and a hint.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "fake_store.h"
#include "fake_xen.h"

static struct froe *f;

static void add(uint32_t id, const char *name)
{
	char path[64];

	fake_domain[id] = calloc(1, sizeof(struct fake_domain));
	fake_domain[id]->id = id;
	fake_domain[id]->vcpus = 3;
	fake_domain[id]->pages = 256 * id;
	fake_domain[id]->handle[0] = id;
	fake_domain[id]->handle[1] = id >> 8;
	snprintf(path, sizeof(path), "/local/domain/%u/name", id);
	fake_store_set(path, name);
}

/* More than one call returns, with gaps, and one without a name. */
static void test_list(void)
{
	struct froe_domain *list;
	char name[16];
	size_t n;

	for (uint32_t id = 2; id < FAKE_DOMAINS; id += 1 + id % 3 / 2) {
		snprintf(name, sizeof(name), "guest%u", id);
		add(id, name);
	}
	fake_store_set("/local/domain/7/name", NULL);
	fake_flags[5] = XEN_DOMINF_shutdown | XEN_DOMINF_dying | 4 << XEN_DOMINF_shutdownshift;
	fake_flags[10] = XEN_DOMINF_blocked;
	REQUIRE(froe_domain_list(f, &list, &n) == 0);
	CHECK(n > 128);
	for (size_t i = 1, id = 2; i < n; i++, id += 1 + id % 3 / 2) {
		snprintf(name, sizeof(name), "guest%zu", id);
		CHECK_EQ(list[i].id, id);
		CHECK(!strcmp(list[i].name, id == 7 ? "" : name));
		CHECK_EQ(list[i].memory, id << 20);
		CHECK_EQ(list[i].vcpus_max, 3);
		CHECK_EQ(list[i].flags, id == 5    ? FROE_SHUTDOWN | FROE_DYING
		                        : id == 10 ? FROE_BLOCKED
		                                   : 0);
		CHECK(id != 5 || list[i].shutdown_reason == FROE_WATCHDOG);
	}
	free(list);
}

static void test_find(void)
{
	struct froe_domain d;

	CHECK(froe_domain_find(f, "guest10", &d) == 0 && d.id == 10);
	CHECK(froe_domain_find(f, "10", &d) == 0 && d.id == 10 && !strcmp(d.name, "guest10"));
	CHECK(froe_domain_find(f, "0b000000-0000-0000-0000-000000000000", &d) == 0 && d.id == 11);
	CHECK(froe_domain_find(f, "0B00000000000000", &d) == 0 && d.id == 11);
	CHECK(froe_domain_find(f, "0b000000", &d) == 0 && d.id == 11);
	/* Its digits alone could be an id, but there is none of that number. */
	add(1, "12");
	CHECK(froe_domain_find(f, "12", &d) == 0 && d.id == 1);
	fake_store_set("/local/domain/1/name", "99999");
	CHECK(froe_domain_find(f, "99999", &d) == 0 && d.id == 1);
	CHECK_FAILS(f, froe_domain_find(f, "0b00000", &d), FROE_NOT_FOUND, "0b00000");
	CHECK_FAILS(f, froe_domain_find(f, "0b00-00001", &d), FROE_NOT_FOUND, "0b00-00001");
	CHECK_FAILS(f, froe_domain_find(f, "", &d), FROE_NOT_FOUND, "''");
	CHECK_FAILS(f, froe_domain_find(f, "65535", &d), FROE_NOT_FOUND, "65535");
	memcpy(fake_domain[10]->handle, fake_domain[11]->handle, 8);
	fake_domain[10]->handle[15] = 1;
	CHECK_FAILS(f, froe_domain_find(f, "0b000000", &d), FROE_USAGE, "2 domains");
	CHECK(froe_domain_find(f, "0b000000-0000-0000-0000-000000000001", &d) == 0 && d.id == 10);
	CHECK_FAILS(f, froe_domain_info(f, 7000, &d), FROE_NOT_FOUND, "7000");
	CHECK(!strcmp(froe_error_id(f), "no-such-domain"));
}

static void test_vcpus(void)
{
	struct froe_cpumap map = { { 5 } }, none = { { 0 } };
	struct froe_sched s = { 500, 50 };
	struct froe_vcpu *list;
	size_t n;

	REQUIRE(froe_vcpu_list(f, 10, &list, &n) == 0);
	CHECK_EQ(n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		CHECK_EQ(list[i].id, i);
		CHECK_EQ(list[i].online, i != 1);
		CHECK_EQ(list[i].running, i == 2);
		CHECK_EQ(list[i].cpu, 3 * i);
		CHECK_EQ(list[i].cpu_time, 1000 + i);
		CHECK_EQ(list[i].hard.word[0], 1ul << i);
		CHECK_EQ(list[i].hard.word[1], 0);
		CHECK_EQ(list[i].soft.word[0], ~0ul);
	}
	free(list);
	CHECK_FAILS(f, froe_vcpu_list(f, 7000, &list, &n), FROE_NOT_FOUND, "7000");
	CHECK(froe_vcpu_pin(f, 10, 1, &map, NULL) == 0);
	CHECK(froe_vcpu_pin(f, 10, ~0u, NULL, &map) == 0);
	CHECK_FAILS(f, froe_vcpu_pin(f, 10, 3, &map, NULL), FROE_INVALID, "vCPU 3");
	CHECK_FAILS(f, froe_vcpu_pin(f, 10, ~0u, &none, NULL), FROE_INVALID, "vCPU 0");
	CHECK(froe_sched_set(f, 10, &s) == 0);
	s = (struct froe_sched){ 0 };
	CHECK(froe_sched_get(f, 10, &s) == 0 && s.weight == 500 && s.cap == 50);
	s.weight = 65536;
	CHECK_FAILS(f, froe_sched_set(f, 10, &s), FROE_INVALID, "65536");
	CHECK(froe_domain_nmi(f, 10, 0) == 0);
	CHECK(froe_domain_pause(f, 10) == 0 && fake_domain[10]->pauses == 1);
	CHECK(froe_domain_unpause(f, 10) == 0 && fake_domain[10]->pauses == 0);
	CHECK_FAILS(f, froe_domain_unpause(f, 10), FROE_EXISTS, "not paused");
}

static void test_host(void)
{
	struct froe_host h;
	char *text;
	size_t n;

	REQUIRE(froe_host_info(f, &h) == 0);
	CHECK_EQ(h.version_major, 4);
	CHECK_EQ(h.version_minor, 17);
	CHECK(!strcmp(h.version_extra, ".9-test"));
	CHECK_EQ(strlen(h.capabilities), 1023);
	CHECK(!strcmp(h.build_id, "abababababababababababababababababababab"));
	CHECK(!strcmp(h.platform_params, "virt_start=0xffff800000000000"));
	CHECK(!strcmp(h.scheduler, "credit2"));
	CHECK(h.hvm && h.hap && !h.iommu);
	CHECK_EQ(h.memory, 2 * h.memory_free);
	CHECK_EQ(h.page_size, 4096);
	/* Longer than one part; and a message that comes while it is read is not lost. */
	for (int i = 0; i < 3000; i++)
		strcpy(fake_messages + 6 * i, "froe:\n");
	fake_late_message = "late\n";
	REQUIRE(froe_host_dmesg(f, true, &text, &n) == 0);
	CHECK_EQ(n, 6 * 3000 + 5);
	CHECK(!strcmp(text + 6 * 3000, "late\n"));
	free(text);
	fake_late_message = NULL;
	REQUIRE(froe_host_dmesg(f, false, &text, &n) == 0);
	CHECK(n == 0 && !*text);
	free(text);
}

static void fail_next(int error)
{
	fake_fail_at = fake_calls + 1;
	fake_fail_with = error;
}

static void test_errors(void)
{
	struct froe_domain d, *list;
	struct froe_host h;
	char *text;
	size_t n;

	fail_next(EPERM);
	CHECK_FAILS(f, froe_domain_pause(f, 10), FROE_UNREACHABLE, "pause domain 10");
	CHECK(strstr(froe_hint(f), "root"));
	fail_next(EACCES);
	CHECK_FAILS(f, froe_domain_pause(f, 10), FROE_UNREACHABLE,
	            "does not know how to pause domain 10");
	fail_next(ESRCH);
	CHECK_FAILS(f, froe_domain_pause(f, 10), FROE_NOT_FOUND, "no domain '10'");
	fail_next(EIO);
	CHECK_FAILS(f, froe_domain_list(f, &list, &n), FROE_FAIL, "cannot list domains: ");
	CHECK(!strcmp(froe_error_id(f), "failed"));
	fail_next(EFAULT);
	CHECK_FAILS(f, froe_host_info(f, &h), FROE_FAIL, "about the host: ");
	fail_next(EFAULT);
	CHECK_FAILS(f, froe_host_dmesg(f, false, &text, &n), FROE_FAIL, "its messages");
	/* One line, whatever the name. */
	CHECK_FAILS(f, froe_domain_find(f, "a\nb\x1b[31m", &d), FROE_NOT_FOUND, "a?b?[31m");
	CHECK(froe_code(f) == FROE_NOT_FOUND);
}

static void test_uuid(void)
{
	static const char *const bad[] = { "",
		                           "0123456789abcdef0123456789abcde",
		                           "0123456789abcdef0123456789abcdef0",
		                           "-0123456789abcdef0123456789abcdef",
		                           "0123456789abcdef--0123456789abcdef",
		                           "0123456789abcdeg0123456789abcdef",
		                           "0-123456789abcdef0123456789abcdef",
		                           "0123456789abcdef0123456789abcdef-" };
	uint8_t uuid[16], again[16];
	char text[FROE_UUID_TEXT];

	for (int i = 0; i < 16; i++)
		uuid[i] = check_random();
	froe_uuid_format(uuid, text);
	CHECK_EQ(strlen(text), 36);
	CHECK(text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-');
	CHECK(froe_uuid_parse(text, again) && !memcmp(uuid, again, 16));
	CHECK(froe_uuid_parse("0123456789ABCDEF0123456789abcdef", again) && again[7] == 0xef);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!CHECK(!froe_uuid_parse(bad[i], again)))
			fprintf(stderr, "%s\n", bad[i]);
	CHECK(again[7] == 0xef);
}

void test_main(void)
{
	fake_xen_reset();
	fake_store_start();
	f = froe_open();
	CHECK(froe_code(f) == FROE_OK && !*froe_error(f) && !strcmp(froe_error_id(f), "ok"));
	test_list();
	test_find();
	test_vcpus();
	test_host();
	test_errors();
	test_uuid();
	froe_close(f);
	froe_close(NULL);
	fake_store_stop();
	fake_store_clear();
	fake_xen_reset();
	free(fake_domain[0]);
}
