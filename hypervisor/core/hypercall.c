/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of a hypercall from its number to its handler and back: rights, the one copy of its
 * arguments in, the one copy of its reply out, restarts. What can be asked is hypercall_rows.h.
 */
#include <handlers.h>
#include <string.h>
#include <virt.h>

enum {
	OF_VCPU = 2,
	NO_POINTER = 16,
	HEADED,
};

enum way {
	NONE,
	IN = 1,
	OUT = 2,
	IN_OUT = 3,
};

enum who {
	ANY,
	TARGET, /* the handler looks at whom it is about: hypercall_target() */
	CONTROL,
	ANYONE, /* as CONTROL, and about the domain that the structure names: c->target */
	OTHER,  /* as ANYONE, but not about itself */
};

struct row {
	hypercall_fn *fn;
	u16 in, out;
	u8 who;
};

struct group {
	const struct row *rows;
	u32 count;
	u32 op_mask; /* which bits of the first argument are the sub-operation */
	u8 where;
};

/* Bits from here up of a memory_op's command count the extents that are done, as in Xen. */
#define MEMORY_OP_MASK 0x3f

/* clang-format off */
#define GROUP(name, where) static const struct row rows_##name[] = {
#define ROW(op, type, way, who, handler)                                                           \
	[op] = { handler, (way) & IN ? sizeof(type) : 0, (way) & OUT ? sizeof(type) : 0, who },
#define END(name) };
#include <hypercall_rows.h>
#undef GROUP
#undef ROW
#undef END

#define GROUP(name, where)
#define ROW(op, type, way, who, handler) static_assert(sizeof(type) <= HYPERCALL_ARG_MAX, #op);
#define END(name)
#include <hypercall_rows.h>
#undef GROUP
#undef ROW

#define OP_MASK(name)                                                                              \
	(__HYPERVISOR_##name == __HYPERVISOR_memory_op ? MEMORY_OP_MASK :                          \
	 __HYPERVISOR_##name == __HYPERVISOR_multicall ? 0 : ~0U)
#define GROUP(name, where)                                                                         \
	[__HYPERVISOR_##name] = { rows_##name, ARRAY_SIZE(rows_##name), OP_MASK(name), where },
#define ROW(op, type, way, who, handler)
static const struct group groups[] = {
#include <hypercall_rows.h>
};
#undef GROUP
#undef ROW
#undef END
/* clang-format on */

/* What a HEADED structure begins with. The domain is a domctl's. */
struct head {
	u32 cmd, version;
	domid_t domain;
};

static const struct {
	u32 version;
	u16 size;
} heads[] = {
	[__HYPERVISOR_platform_op] = { XENPF_INTERFACE_VERSION, sizeof(struct xen_platform_op) },
	[__HYPERVISOR_sysctl] = { XEN_SYSCTL_INTERFACE_VERSION, sizeof(struct xen_sysctl) },
	[__HYPERVISOR_domctl] = { XEN_DOMCTL_INTERFACE_VERSION, sizeof(struct xen_domctl) },
};

static const struct row *row_find(const struct group *g, u32 op)
{
	const struct row *r;

	if (op >= g->count)
		return NULL;
	r = &g->rows[index_nospec(op, g->count)];
	return r->fn ? r : NULL;
}

/* Same as call_with_arg(), for a structure in two pages. */
static __noinline s64 call_across(struct hypercall *c, const struct row *r, u64 pointer)
{
	u8 arg[HYPERCALL_ARG_MAX] __aligned(16);
	s64 rc;

	if (r->in && copy_from_guest(arg, pointer, r->in))
		return -EFAULT;
	if (r->out > r->in)
		memset(arg + r->in, 0, r->out - r->in);
	rc = r->fn(c, arg);
	if (rc >= 0 && r->out && !c->restart && copy_to_guest(pointer, arg, r->out))
		return -EFAULT;
	return rc;
}

/*
 * A call with a structure behind a pointer. Where the reply goes is looked up together with where
 * the arguments come from: once, and a place that cannot be written fails the call before it has
 * done anything. The guest may move the page meanwhile: the reply then goes where it was.
 */
static __noinline s64 call_with_arg(struct hypercall *c, const struct row *r, u64 pointer)
{
	u8 arg[HYPERCALL_ARG_MAX] __aligned(16);
	u32 size = max(r->in, r->out);
	gpa_t at;
	u64 left;
	s64 rc;

	if (guest_translate(c->v, pointer, r->out, &at, &left))
		return -EFAULT;
	if (unlikely(left < size)) /* into another page, which lies anywhere */
		return call_across(c, r, pointer);
	if (r->in && copy_from_gpa(c->d, arg, at, r->in))
		return -EFAULT;
	if (r->out > r->in)
		memset(arg + r->in, 0, r->out - r->in);
	rc = r->fn(c, arg);
	if (rc >= 0 && r->out && !c->restart && copy_to_gpa(c->d, at, arg, r->out))
		return -EFAULT;
	return rc;
}

/* With the domain that the structure names. */
static s64 call_about(struct hypercall *c, const struct row *r, void *arg, domid_t id)
{
	s64 rc = hypercall_target(c, id, &c->target);

	if (rc)
		return rc;
	rc = r->who == OTHER && c->target == c->d ? -EINVAL : r->fn(c, arg);
	domain_put(c->target);
	return rc;
}

/*
 * A call whose structure holds the sub-operation and the version of its interface: it is copied in
 * before the row is known. Rights come first, so that nobody else keeps the privileged calls busy.
 */
static __noinline s64 call_headed(struct hypercall *c, const struct group *g, u32 number)
{
	u8 arg[HYPERCALL_ARG_MAX] __aligned(16);
	const struct head *head = (const void *)arg;
	const struct row *r;
	s64 rc;

	if (!c->d->control)
		return -EPERM;
	if (copy_from_guest(arg, c->a[0], heads[number].size))
		return -EFAULT;
	if (head->version != heads[number].version)
		return -EACCES;
	r = row_find(g, head->cmd);
	if (!r)
		return -ENOSYS;
	rc = r->who >= ANYONE ? call_about(c, r, arg, head->domain) : r->fn(c, arg);
	if (rc >= 0 && r->out && !c->restart && copy_to_guest(c->a[0], arg, r->out))
		return -EFAULT;
	return rc;
}

static s64 call(struct hypercall *c, u64 number)
{
	const struct group *g;
	const struct row *r;

	if (number >= ARRAY_SIZE(groups))
		return -ENOSYS;
	g = &groups[index_nospec(number, ARRAY_SIZE(groups))];
	if (g->where == HEADED)
		return call_headed(c, g, (u32)number);
	if (g->where == OF_VCPU && !domain_vcpu(c->d, (u32)c->a[1]))
		return -ENOENT;
	r = row_find(g, (u32)c->a[0] & g->op_mask);
	if (!r)
		return -ENOSYS;
	if (r->who == CONTROL && !c->d->control)
		return -EPERM;
	if (!(r->in | r->out))
		return r->fn(c, NULL);
	return call_with_arg(c, r, c->a[g->where]);
}

void hypercall(struct vcpu *v)
{
	struct guest_regs *regs = &v->regs;
	struct hypercall c = {
		.v = v,
		.d = v->domain,
		.a = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8 },
		.progress = v->hypercall_progress,
	};
	s64 rc;

	/* Whatever comes next instead of the rest of an interrupted call makes that start afresh.
	 */
	v->hypercall_progress = 0;
	v->hypercalls++;
	rc = call(&c, regs->rax);
	v->hypercall_restart = c.restart;
	if (likely(!c.restart)) {
		regs->rax = (u64)rc;
		return;
	}
	regs->rdi = c.a[0];
	regs->rsi = c.a[1];
	regs->rdx = c.a[2];
	regs->r10 = c.a[3];
	regs->r8 = c.a[4];
}

s64 hypercall_refuse(u32 cpl)
{
	return cpl ? -EPERM : -ENOSYS;
}

s64 hypercall_again(struct hypercall *c)
{
	c->restart = true;
	return 0;
}

int hypercall_target(struct hypercall *c, domid_t id, struct domain **out)
{
	struct domain *d = domain_get(id);

	if (!d)
		return -ESRCH;
	if (d != c->d && !c->d->control) {
		domain_put(d);
		return -EPERM;
	}
	*out = d;
	return 0;
}

/* Entry i of a multicall is next: the registers say so, and the call is made again. */
static s64 multicall_from(struct hypercall *c, u32 i)
{
	c->a[0] += i * sizeof(struct multicall_entry);
	c->a[1] = (u32)c->a[1] - i;
	return hypercall_again(c);
}

/* One entry: 0, or 1 when the list must be taken up again, at this entry or behind it. */
static int multicall_one(struct hypercall *c, u64 at, bool *behind)
{
	struct hypercall sub = { .v = c->v, .d = c->d, .nested = true, .progress = c->progress };
	struct multicall_entry e;

	c->progress = 0;
	if (copy_from_guest(&e, at, sizeof(e)))
		return -EFAULT;
	memcpy(sub.a, e.args, sizeof(sub.a));
	e.result = (u64)call(&sub, e.op);
	if (sub.restart) {
		memcpy(e.args, sub.a, sizeof(sub.a));
		*behind = false;
		return copy_to_guest(at, &e, sizeof(e)) ? -EFAULT : 1;
	}
	if (copy_to_guest(at + offsetof(struct multicall_entry, result), &e.result,
	                  sizeof(e.result)))
		return -EFAULT;
	/* An entry that blocks or ends the caller must take effect before the next one (XSA-213).
	 */
	*behind = sub.leave;
	c->leave |= sub.leave;
	return sub.leave;
}

s64 do_multicall(struct hypercall *c, void *arg)
{
	u32 count = (u32)c->a[1];
	bool behind;
	int rc;

	if (c->nested)
		return -EINVAL;
	for (u32 i = 0; i < count; i++) {
		if (i == HYPERCALL_BATCH)
			return multicall_from(c, i);
		rc = multicall_one(c, c->a[0] + i * sizeof(struct multicall_entry), &behind);
		if (rc < 0)
			return rc;
		if (rc && i + behind < count)
			return multicall_from(c, i + behind);
	}
	return 0;
}

/* What older kernels call instead of the instruction: a page with an entry of 32 bytes a number. */
void hypercall_page_fill(void *page)
{
	u8 *entry = page;

	memset(page, 0xcc, PAGE_SIZE); /* INT3 */
	for (u32 i = 0; i < PAGE_SIZE / 32; i++, entry += 32) {
		entry[0] = 0xb8; /* mov $i,%eax */
		memcpy(entry + 1, &i, 4);
		memcpy(entry + 5, virt->hypercall_insn, 3);
		entry[8] = 0xc3; /* ret */
	}
}
