/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grants by the stock kernel's devices /dev/xen/gntdev and gntalloc, with the guest `granter`:
 * mapped, copied, unmapped by who maps and by the end of who has mapped, and given in turn.
 *
 *	grants DOMID
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xengnttab.h>
#include "kernels/granter.h"

#define PAGE (WORDS * sizeof(uint32_t))

static xengnttab_handle *maps;
static uint32_t domid;
static struct mailbox *box;

#define CHECK(cond) check(cond, __LINE__, #cond)

static void check(int ok, int line, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "grants.c:%d: %s: failed (%s)\n", line, what, strerror(errno));
	exit(1);
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void *map(uint32_t n, int prot)
{
	return xengnttab_map_grant_ref(maps, domid, FIRST_REF + n, prot);
}

static uint32_t ask(uint32_t request, uint32_t page, uint32_t index)
{
	box->page = page;
	box->index = index;
	__atomic_store_n(&box->request, request, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&box->request, __ATOMIC_SEQ_CST))
		nap();
	return box->value;
}

/* Several in one call, each in its place, and what is written is the guest's. */
static void test_map(void)
{
	uint32_t refs[4], *pages;

	for (uint32_t n = 0; n < 4; n++)
		refs[n] = FIRST_REF + 1 + n;
	pages = xengnttab_map_domain_grant_refs(maps, 4, domid, refs, PROT_READ | PROT_WRITE);
	CHECK(pages != NULL);
	for (uint32_t i = 0; i < 4 * WORDS; i++)
		CHECK(pages[i] == PATTERN(1 + i / WORDS, i % WORDS));
	for (uint32_t n = 0; n < 4; n++) {
		pages[n * WORDS + 77] = 1000 + n;
		CHECK(ask(PEEK, 1 + n, 77) == 1000 + n);
		CHECK(ask(END, 1 + n, 0) == 0); /* in use */
	}
	CHECK(!xengnttab_unmap(maps, pages, 4));
	CHECK(ask(END, 1, 0) == 1);
	CHECK(map(1, PROT_READ) == NULL); /* no longer granted */
	CHECK(map(PAGES, PROT_READ) == NULL);
}

static void test_read_only(void)
{
	uint32_t *page;

	CHECK(map(READ_ONLY, PROT_READ | PROT_WRITE) == NULL);
	page = map(READ_ONLY, PROT_READ);
	CHECK(page && page[9] == PATTERN(READ_ONLY, 9));
	CHECK(!xengnttab_unmap(maps, page, 1));
}

/* Out of one page into another, by the hypervisor. */
static void test_copy(void)
{
	static uint32_t buffer[WORDS] __attribute__((aligned(4096)));
	xengnttab_grant_copy_segment_t s[2] = {
		{ .source.foreign = { FIRST_REF + 2, 400, (domid_t)domid },
		  .dest.virt = buffer + 5,
		  .len = 800,
		  .flags = GNTCOPY_source_gref },
		{ .source.virt = buffer + 5,
		  .dest.foreign = { FIRST_REF + 3, 1200, (domid_t)domid },
		  .len = 800,
		  .flags = GNTCOPY_dest_gref },
	};

	CHECK(!xengnttab_grant_copy(maps, 2, s));
	CHECK(s[0].status == GNTST_okay && s[1].status == GNTST_okay);
	for (uint32_t i = 0; i < 200; i++)
		CHECK(buffer[5 + i] == PATTERN(2, 100 + i));
	CHECK(!buffer[4] && !buffer[205]);
	CHECK(ask(PEEK, 3, 299) == PATTERN(3, 299) && ask(PEEK, 3, 500) == PATTERN(3, 500));
	CHECK(ask(PEEK, 3, 300) == PATTERN(2, 100) && ask(PEEK, 3, 499) == PATTERN(2, 299));
	s[1].dest.foreign.ref = FIRST_REF + READ_ONLY;
	CHECK(!xengnttab_grant_copy(maps, 2, s));
	CHECK(s[0].status == GNTST_okay && s[1].status == GNTST_general_error);
	CHECK(ask(END, 2, 0) == 1); /* nothing of it stays in use */
}

/* Who has mapped is killed: the kernel unmaps, and clears the byte that it was told to. */
static void test_killed(void)
{
	uint32_t byte = 4 * 50, word = ask(PEEK, 4, 50);
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (!child) {
		maps = xengnttab_open(NULL, 0);
		CHECK(maps && xengnttab_map_grant_ref_notify(maps, domid, FIRST_REF + 4,
		                                             PROT_READ | PROT_WRITE, byte,
		                                             (evtchn_port_t)-1));
		raise(SIGKILL);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	while (ask(END, 4, 0) == 0) /* the kernel may put it off */
		nap();
	CHECK(word & 0xff);
	CHECK(ask(PEEK, 4, 50) == (word & ~0xffu));
}

/* The other way round: the guest maps what the control domain grants. */
static void test_share(void)
{
	xengntshr_handle *shares = xengntshr_open(NULL, 0);
	uint32_t refs[2], *pages;

	CHECK(shares != NULL);
	pages = xengntshr_share_pages(shares, domid, 2, refs, 1);
	CHECK(pages != NULL);
	for (uint32_t n = 0; n < 2; n++) {
		pages[n * WORDS] = 0x1000 + n;
		box->ref = refs[n];
		CHECK(ask(USE, 0, 0) == 0x1000 + n);
		CHECK(box->status == GNTST_okay);
		CHECK(pages[n * WORDS + 1] == ~(0x1000 + n));
	}
	CHECK(!xengntshr_unshare(shares, pages, 2));
	xengntshr_close(shares);
	box->ref = refs[0];
	ask(USE, 0, 0);
	CHECK((int32_t)box->status == GNTST_general_error);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	alarm(60);
	domid = (uint32_t)atoi(argv[1]);
	maps = xengnttab_open(NULL, 0);
	CHECK(maps != NULL);
	while (!(box = map(0, PROT_READ | PROT_WRITE))) /* until the guest has come that far */
		nap();
	test_map();
	test_read_only();
	test_copy();
	test_killed();
	test_share();
	CHECK(!xengnttab_unmap(maps, box, 1));
	xengnttab_close(maps);
	puts("grants: ok");
	return 0;
}
