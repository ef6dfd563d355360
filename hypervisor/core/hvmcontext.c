/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of a guest's vCPUs as the control domain gives it: a list of records, which begins with
 * HEADER and ends with END (xen/hvm/save.h). All are checked before the first changes anything.
 */
#include <domain.h>
#include <handlers.h>
#include <page.h>
#include <string.h>
#include <virt.h>

#define RECORDS_MAX (MAX_VCPUS * 2 * KIB) /* of a CPU and an MTRR record for each vCPU */

typedef int record_fn(struct domain *d, u32 instance, const void *payload, bool apply);

static int record_header(struct domain *d, u32 instance, const void *payload, bool apply)
{
	const struct hvm_save_header *h = payload;

	return h->magic == HVM_FILE_MAGIC && h->version == HVM_FILE_VERSION ? 0 : -EINVAL;
}

static int record_cpu(struct domain *d, u32 instance, const void *payload, bool apply)
{
	struct vcpu *v = domain_vcpu(d, instance);
	int rc = v ? vcpu_context_check(v, payload) : -EINVAL;

	if (!rc && apply) {
		virt->vcpu_set(v, payload);
		WRITE_ONCE(v->wait_sipi, false);
		vcpu_wake(v);
	}
	return rc;
}

/* Guests have no MTRRs: their memory is write-back. */
static int record_mtrr(struct domain *d, u32 instance, const void *payload, bool apply)
{
	return domain_vcpu(d, instance) ? 0 : -EINVAL;
}

static const struct {
	record_fn *fn;
	u32 length;
} records[] = {
	[HVM_SAVE_CODE(HEADER)] = { record_header, HVM_SAVE_LENGTH(HEADER) },
	[HVM_SAVE_CODE(CPU)] = { record_cpu, HVM_SAVE_LENGTH(CPU) },
	[HVM_SAVE_CODE(MTRR)] = { record_mtrr, HVM_SAVE_LENGTH(MTRR) },
};

/* Go through all records once: the first is the only HEADER, and END is the last thing of all. */
static int walk(struct domain *d, const u8 *at, u32 size, bool apply)
{
	struct hvm_save_descriptor desc;
	u32 type, wanted = HVM_SAVE_CODE(HEADER);
	int rc;

	for (; size >= sizeof(desc); at += desc.length, size -= desc.length) {
		memcpy(&desc, at, sizeof(desc));
		at += sizeof(desc);
		size -= sizeof(desc);
		type = desc.typecode;
		if (type == HVM_SAVE_CODE(END) && !wanted)
			return desc.length || size ? -EINVAL : 0;
		if (type >= ARRAY_SIZE(records) || !records[type].fn || desc.length > size ||
		    desc.length != records[type].length ||
		    (type == HVM_SAVE_CODE(HEADER)) != (wanted == HVM_SAVE_CODE(HEADER)))
			return -EINVAL;
		rc = records[type].fn(d, desc.instance, at, apply);
		if (rc)
			return rc;
		wanted = 0;
	}
	return -EINVAL;
}

s64 do_domctl_sethvmcontext(struct hypercall *c, void *arg)
{
	const struct xen_domctl_hvmcontext *op = &((struct xen_domctl *)arg)->u.hvmcontext;
	void *copy;
	int rc;

	if (op->size > RECORDS_MAX)
		return -EINVAL;
	copy = heap_alloc(op->size);
	if (!copy)
		return -ENOMEM;
	domain_pause(c->target);
	rc = copy_from_guest(copy, (u64)op->buffer.p, op->size);
	if (!rc)
		rc = walk(c->target, copy, op->size, false);
	if (!rc)
		rc = walk(c->target, copy, op->size, true);
	domain_unpause(c->target);
	heap_free(copy);
	return rc;
}
