/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypercall table and its dispatcher: rows in order, rights, the copies in and out, restarts,
 * multicall. Every handler is a stand-in here that records how it was called.
 *
 * files: hypervisor/core/hypercall.c
 */
#include "harness.h"
#include <handlers.h>
#include <stdio.h>
#include <string.h>
#include <virt.h>

enum {
	OF_VCPU = 2,
	NO_POINTER = 16,
	HEADED,
};
enum {
	NONE,
	IN,
	OUT,
	IN_OUT
};
enum {
	ANY,
	TARGET,
	CONTROL,
	ANYONE,
	OTHER
};

static const struct listed {
	u32 number, op, where, size, way, who;
	const char *handler;
} rows[] = {
#define GROUP(name, where_)              { __HYPERVISOR_##name, ~0U, where_, 0, 0, 0, NULL },
#define ROW(op, type, way, who, handler) { ~0U, op, 0, sizeof(type), way, who, #handler },
#define END(name)
#include <hypercall_rows.h>
#undef GROUP
#undef ROW
};

/* --- the guest: one flat piece of memory, with a hole behind it ---------------------------- */

#define BASE   0xffff888000001000ULL
#define LENGTH 8192
static u8 guest[LENGTH];
static u32 reads;

static bool reach(u64 at, size_t n)
{
	return at >= BASE && at - BASE <= LENGTH && n <= LENGTH - (at - BASE);
}

int copy_from_guest(void *to, u64 from, size_t n)
{
	reads++;
	if (!reach(from, n))
		return -EFAULT;
	memcpy(to, guest + (from - BASE), n);
	return 0;
}

int copy_to_guest(u64 to, const void *from, size_t n)
{
	if (!reach(to, n))
		return -EFAULT;
	memcpy(guest + (to - BASE), from, n);
	return 0;
}

/* The guest's addresses and its frames are the same thing here. */
int guest_translate(struct vcpu *v, u64 va, bool write, gpa_t *out, u64 *left)
{
	if (!reach(va, 1))
		return -EFAULT;
	*out = gpa(va);
	*left = PAGE_SIZE - va % PAGE_SIZE;
	return 0;
}
int copy_from_gpa(struct domain *d, void *to, gpa_t from, size_t n)
{
	return copy_from_guest(to, gpa_x(from), n);
}
int copy_to_gpa(struct domain *d, gpa_t to, const void *from, size_t n)
{
	return copy_to_guest(gpa_x(to), from, n);
}

struct domain *control_domain;
static struct domain dom, other;
static struct vcpu vcpu;
static const u8 insn[3] = { 0x0f, 0x01, 0xd9 };
static const struct virt_ops ops = { .hypercall_insn = insn };
const struct virt_ops *virt = &ops;

struct domain *domain_get(domid_t id)
{
	if (id == DOMID_SELF || id == dom.id)
		return &dom;
	return id == other.id ? &other : NULL;
}

static int puts_seen;
void domain_put(struct domain *d)
{
	puts_seen++;
}

/* --- the handlers ------------------------------------------------------------------------------
 */

static struct {
	const char *name;
	u32 calls;
	u8 arg[HYPERCALL_ARG_MAX];
	bool has_arg;
	u32 size;
	/* what to do */
	s64 result;
	u8 fill;
	bool restart, leave;
	u64 progress;
	struct domain *target;
} seen;

static s64 stub(const char *name, u32 size, struct hypercall *c, void *arg)
{
	seen.calls++;
	seen.name = name;
	seen.has_arg = arg;
	seen.size = size;
	if (arg) {
		memcpy(seen.arg, arg, size);
		if (seen.fill)
			memset(arg, seen.fill, size);
	}
	seen.progress = c->progress;
	seen.target = c->target;
	c->leave = seen.leave;
	if (seen.restart) {
		c->a[2] = 0x2222;
		seen.restart = false;
		return hypercall_again(c);
	}
	return seen.result;
}

static u32 row_size; /* of the row that is tried: do_nothing() serves many */
s64 do_nothing(struct hypercall *c, void *arg)
{
	return stub("do_nothing", row_size, c, arg);
}

#undef QUIET
#define QUIET(op, type, way, who)
#define GROUP(name, where)
#define ROW(op, type, way, who, handler)                                                           \
	__attribute__((weak)) s64 handler(struct hypercall *c, void *arg)                          \
	{                                                                                          \
		return stub(#handler, sizeof(type), c, arg);                                       \
	}
#include <hypercall_rows.h>
#undef QUIET
#undef GROUP
#undef ROW

static s64 call(u64 number, u64 a, u64 b, u64 c)
{
	vcpu.regs = (struct guest_regs){ .rax = number, .rdi = a, .rsi = b, .rdx = c };
	hypercall(&vcpu);
	return (s64)vcpu.regs.rax;
}

static void reset(bool control)
{
	memset(&seen, 0, sizeof(seen));
	memset(guest, 0, sizeof(guest));
	memset(&dom, 0, sizeof(dom));
	memset(&vcpu, 0, sizeof(vcpu));
	dom.control = control;
	other.id = 7;
	vcpu.domain = &dom;
	dom.max_vcpus = 2;
	dom.vcpu[1] = &vcpu;
	reads = 0;
}

static u32 version_of(u64 number)
{
	return number == __HYPERVISOR_platform_op ? XENPF_INTERFACE_VERSION
	                                          : XEN_DOMCTL_INTERFACE_VERSION;
}

#define HEAD_SIZE 12

/* Put the pointer where the row's call expects it, and what a headed structure begins with. */
static s64 call_row(const struct listed *g, const struct listed *r, u64 pointer)
{
	u32 head[HEAD_SIZE / 4] = { r->op, version_of(g->number), other.id };

	if (g->where == HEADED) {
		if (reach(pointer, HEAD_SIZE))
			memcpy(guest + (pointer - BASE), head, HEAD_SIZE);
		return call(g->number, pointer, 0, 0);
	}
	return call(g->number, r->op, g->where == 1 ? pointer : 1, g->where == 2 ? pointer : 1);
}

/* --- tests ---------------------------------------------------------------------------------------
 */

static void test_order(void)
{
	const struct listed *group = NULL;
	s64 last_group = -1, last_op = -1;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].number != ~0U) {
			group = &rows[i];
			CHECK((s64)group->number > last_group);
			last_group = group->number;
			last_op = -1;
			continue;
		}
		REQUIRE(group);
		if (!CHECK((s64)rows[i].op > last_op))
			printf("  # %s\n", rows[i].handler);
		last_op = rows[i].op;
		CHECK(rows[i].size <= HYPERCALL_ARG_MAX);
		/* A structure needs a place to come from. */
		CHECK(rows[i].way == NONE || group->where != NO_POINTER);
	}
}

static void check_row(const struct listed *g, const struct listed *r)
{
	u64 at = BASE + 64;
	bool in = r->way & 1, out = r->way & 2;

	if (!strcmp(r->handler, "do_multicall"))
		return;
	reset(true);
	row_size = r->size;
	for (u32 i = 0; i < r->size; i++)
		guest[64 + i] = (u8)(i * 7 + 1);
	seen.fill = 0xa5;
	CHECK_EQ(call_row(g, r, at), 0);
	if (!CHECK(seen.calls == 1 && !strcmp(seen.name, r->handler)))
		printf("  # %s\n", r->handler);
	CHECK_EQ(seen.has_arg, r->way != NONE);
	CHECK_EQ(reads, in); /* once, and only if the row says so */
	for (u32 i = g->where == HEADED ? HEAD_SIZE : 8; in && i < r->size; i++)
		CHECK_EQ(seen.arg[i], (u8)(i * 7 + 1));
	for (u32 i = 0; !in && out && i < r->size; i++)
		CHECK_EQ(seen.arg[i], 0); /* nothing of ours leaks into a reply */
	for (u32 i = g->where == HEADED ? HEAD_SIZE : 8; i < r->size; i++)
		CHECK_EQ(guest[64 + i], out ? 0xa5 : (u8)(i * 7 + 1));
	CHECK_EQ(guest[64 + r->size], 0);
	CHECK_EQ(guest[63], 0);

	/* An error leaves the guest's structure alone. */
	reset(true);
	seen.fill = 0xa5;
	seen.result = -EBUSY;
	CHECK_EQ(call_row(g, r, at), -EBUSY);
	CHECK_EQ(guest[64 + r->size - 1], 0);

	/* A pointer that ends one byte too far. */
	reset(true);
	seen.fill = 0xa5;
	CHECK_EQ(call_row(g, r, BASE + LENGTH - r->size + 1), r->way == NONE ? 0 : -EFAULT);
	CHECK_EQ(seen.calls, !in);

	/* Somebody else than the control domain. */
	reset(false);
	CHECK_EQ(call_row(g, r, at), r->who >= CONTROL ? -EPERM : 0);
	CHECK_EQ(seen.calls, r->who < CONTROL);
	CHECK(r->who < CONTROL || !reads);
}

static void test_rows(void)
{
	const struct listed *g = NULL;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].number != ~0U)
			g = &rows[i];
		else
			check_row(g, &rows[i]);
	}
}

static bool listed(u64 number, u32 op)
{
	bool group = false;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].number != ~0U)
			group = rows[i].number == number;
		else if (group && rows[i].op == op)
			return true;
	}
	return false;
}

static bool is_headed(u64 number)
{
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].number == number && rows[i].where == HEADED)
			return true;
	return false;
}

/* Every other number is refused without a look at the guest's memory. */
static void test_unknown(void)
{
	reset(true);
	for (u64 number = 0; number < 300; number++)
		for (u32 op = 0; op < 300; op++) {
			u32 effective = number == __HYPERVISOR_memory_op ? op & 0x3f : op;

			if (number == __HYPERVISOR_multicall || is_headed(number) ||
			    number == __HYPERVISOR_vcpu_op || listed(number, effective))
				continue;
			CHECK_EQ(call(number, op, BASE, BASE), -ENOSYS);
		}
	CHECK_EQ(call(~0ULL, 0, 0, 0), -ENOSYS);
	CHECK_EQ(call(1ULL << 32 | __HYPERVISOR_xen_version, 0, 0, 0), -ENOSYS);
	CHECK_EQ(call(__HYPERVISOR_sched_op, 0x80000000, 0, 0), -ENOSYS);
	CHECK_EQ(seen.calls, 0);
	CHECK_EQ(reads, 0);
	/* vcpu_op looks for the vCPU first. */
	CHECK_EQ(call(__HYPERVISOR_vcpu_op, 999, 2, 0), -ENOENT);
	CHECK_EQ(call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 0, 0), -ENOENT);
	CHECK_EQ(call(__HYPERVISOR_vcpu_op, 999, 1, 0), -ENOSYS);
	CHECK_EQ(seen.calls, 0);
	/* Upper half of a sub-operation does not count, as in Xen. */
	CHECK_EQ(call(__HYPERVISOR_sched_op, 0xdead00000000ULL | SCHEDOP_yield, 0, 0), 0);
	CHECK_EQ(seen.calls, 1);
}

static void test_headed(void)
{
	u32 head[2] = { XENPF_settime64, XENPF_INTERFACE_VERSION + 1 };

	reset(true);
	memcpy(guest, head, 8);
	CHECK_EQ(call(__HYPERVISOR_platform_op, BASE, 0, 0), -EACCES);
	head[0] = 63;
	head[1] = XENPF_INTERFACE_VERSION;
	memcpy(guest, head, 8);
	CHECK_EQ(call(__HYPERVISOR_platform_op, BASE, 0, 0), -ENOSYS);
	head[0] = ~0U;
	memcpy(guest, head, 8);
	CHECK_EQ(call(__HYPERVISOR_platform_op, BASE, 0, 0), -ENOSYS);
	CHECK_EQ(seen.calls, 0);
}

/* About another domain, that exists, and that the handler finds with a reference. */
static void test_other(void)
{
	struct xen_domctl *op = (void *)guest;

	reset(true);
	op->cmd = XEN_DOMCTL_pausedomain;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = 8;
	CHECK_EQ(call(__HYPERVISOR_domctl, BASE, 0, 0), -ESRCH);
	op->domain = dom.id;
	CHECK_EQ(call(__HYPERVISOR_domctl, BASE, 0, 0), -EINVAL);
	op->domain = DOMID_SELF;
	CHECK_EQ(call(__HYPERVISOR_domctl, BASE, 0, 0), -EINVAL);
	CHECK_EQ(seen.calls, 0);
	op->domain = other.id;
	puts_seen = 0;
	seen.result = -EBUSY;
	CHECK_EQ(call(__HYPERVISOR_domctl, BASE, 0, 0), -EBUSY);
	CHECK_EQ(seen.calls, 1);
	CHECK(seen.target == &other);
	CHECK_EQ(puts_seen, 1);
	/* The version before anything else of the structure. */
	op->interface_version++;
	op->domain = 8;
	CHECK_EQ(call(__HYPERVISOR_domctl, BASE, 0, 0), -EACCES);
}

static void test_restart(void)
{
	reset(true);
	seen.restart = true;
	seen.fill = 0xa5;
	call(__HYPERVISOR_hvm_op, HVMOP_get_param, BASE, 3);
	CHECK_EQ(vcpu.hypercall_restart, true);
	CHECK_EQ(vcpu.regs.rax, __HYPERVISOR_hvm_op);
	CHECK_EQ(vcpu.regs.rdi, HVMOP_get_param);
	CHECK_EQ(vcpu.regs.rsi, BASE);
	CHECK_EQ(vcpu.regs.rdx, 0x2222);
	CHECK_EQ(guest[0], 0); /* no reply yet */
	hypercall(&vcpu);
	CHECK_EQ(vcpu.hypercall_restart, false);
	CHECK_EQ(vcpu.regs.rax, 0);
	CHECK_EQ(guest[0], 0xa5);

	/* Saved progress is for the very next call only. */
	vcpu.hypercall_progress = 77;
	call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
	CHECK_EQ(seen.progress, 77);
	call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
	CHECK_EQ(seen.progress, 0);
}

static void test_target(void)
{
	struct hypercall c = { .v = &vcpu, .d = &dom };
	struct domain *d = NULL;

	reset(false);
	puts_seen = 0;
	CHECK_EQ(hypercall_target(&c, DOMID_SELF, &d), 0);
	CHECK(d == &dom);
	CHECK_EQ(hypercall_target(&c, 7, &d), -EPERM);
	CHECK_EQ(puts_seen, 1);
	CHECK_EQ(hypercall_target(&c, 8, &d), -ESRCH);
	dom.control = true;
	CHECK_EQ(hypercall_target(&c, 7, &d), 0);
	CHECK(d == &other);
	CHECK_EQ(hypercall_refuse(1), -EPERM);
	CHECK_EQ(hypercall_refuse(3), -EPERM);
	CHECK_EQ(hypercall_refuse(0), -ENOSYS);
}

/* --- multicall
 * ------------------------------------------------------------------------------------ */

static struct multicall_entry *entries(void)
{
	return (struct multicall_entry *)guest;
}

static void put_entries(u32 n)
{
	for (u32 i = 0; i < n; i++)
		entries()[i] = (struct multicall_entry){
			.op = __HYPERVISOR_sched_op,
			.result = ~0UL,
			.args = { SCHEDOP_yield, 1, 2, 3, 4, 5 },
		};
}

static void test_multicall(void)
{
	reset(true);
	put_entries(3);
	entries()[1].op = 555;
	seen.result = 4;
	CHECK_EQ(call(__HYPERVISOR_multicall, BASE, 3, 0), 0);
	CHECK_EQ(seen.calls, 2);
	CHECK_EQ(entries()[0].result, 4);
	CHECK_EQ(entries()[1].result, (u64)-ENOSYS);
	CHECK_EQ(entries()[2].result, 4);

	/* No multicall inside of one; only the low half of the count is one. */
	put_entries(2);
	entries()[0].op = __HYPERVISOR_multicall;
	CHECK_EQ(call(__HYPERVISOR_multicall, BASE, 1ULL << 32 | 2, 0), 0);
	CHECK_EQ(entries()[0].result, (u64)-EINVAL);
	CHECK_EQ(entries()[1].result, 4);
	CHECK_EQ(call(__HYPERVISOR_multicall, BASE, 0, 0), 0);
	CHECK_EQ(call(__HYPERVISOR_multicall, 0, 0, 0), 0);

	/* The list runs into the hole: what came before is done. */
	reset(true);
	memset(guest + LENGTH - 64, 0, 64);
	entries()[LENGTH / 64 - 1].op = __HYPERVISOR_sched_op;
	CHECK_EQ(call(__HYPERVISOR_multicall, BASE + LENGTH - 64, 2, 0), -EFAULT);
	CHECK_EQ(seen.calls, 1);
}

static void test_multicall_restart(void)
{
	/* A long list comes in pieces. */
	reset(true);
	put_entries(100);
	call(__HYPERVISOR_multicall, BASE, 100, 0);
	CHECK_EQ(vcpu.hypercall_restart, true);
	CHECK_EQ(vcpu.regs.rdi, BASE + 64 * HYPERCALL_BATCH);
	CHECK_EQ(vcpu.regs.rsi, 100 - HYPERCALL_BATCH);
	while (vcpu.hypercall_restart)
		hypercall(&vcpu);
	CHECK_EQ(vcpu.regs.rax, 0);
	CHECK_EQ(seen.calls, 100);

	/* An entry that is not done is made again, with the arguments that it asked for. */
	reset(true);
	put_entries(3);
	seen.restart = true;
	call(__HYPERVISOR_multicall, BASE, 3, 0);
	CHECK_EQ(vcpu.hypercall_restart, true);
	CHECK_EQ(vcpu.regs.rdi, BASE);
	CHECK_EQ(vcpu.regs.rsi, 3);
	CHECK_EQ(entries()[0].args[2], 0x2222);
	CHECK_EQ(entries()[1].args[2], 2);
	vcpu.hypercall_progress = 9;
	hypercall(&vcpu);
	CHECK_EQ(seen.calls, 4);
	CHECK_EQ(entries()[0].result, 0);
	CHECK_EQ(entries()[2].result, 0);

	/* One that blocks the vCPU has its result, and the rest waits until it is back (XSA-213).
	 */
	reset(true);
	put_entries(2);
	seen.leave = true;
	call(__HYPERVISOR_multicall, BASE, 2, 0);
	CHECK_EQ(seen.calls, 1);
	CHECK_EQ(entries()[0].result, 0);
	CHECK_EQ(entries()[1].result, ~0UL);
	CHECK_EQ(vcpu.hypercall_restart, true);
	CHECK_EQ(vcpu.regs.rdi, BASE + 64);
	CHECK_EQ(vcpu.regs.rsi, 1);
	hypercall(&vcpu);
	CHECK_EQ(vcpu.hypercall_restart, false);
	CHECK_EQ(vcpu.regs.rax, 0);
	CHECK_EQ(seen.calls, 2);
}

static void test_page(void)
{
	u8 page[PAGE_SIZE];
	u32 nr;

	hypercall_page_fill(page);
	for (u32 i = 0; i < 128; i++) {
		memcpy(&nr, page + 32 * i + 1, 4);
		CHECK(page[32 * i] == 0xb8 && nr == i && !memcmp(page + 32 * i + 5, insn, 3) &&
		      page[32 * i + 8] == 0xc3 && page[32 * i + 9] == 0xcc);
	}
}

void unit_main(void)
{
	test_order();
	test_rows();
	test_unknown();
	test_headed();
	test_other();
	test_restart();
	test_target();
	test_multicall();
	test_multicall_restart();
	test_page();
}
