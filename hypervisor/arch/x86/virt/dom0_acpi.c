/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ACPI tables of the control domain: which of the firmware's it sees, and the RSDP, XSDT and
 * MADT that are made for it. Pure: works on buffers.
 *
 * Structures: ACPI 6.4 5.2.5.3 (RSDP), 5.2.8 (XSDT), 5.2.12 (MADT); AMD I/O Virtualization (48882)
 * 5.2 (IVRS); Intel VT-d 8 (DMAR).
 */
#include <dom0.h>
#include <string.h>

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 checksum_all;
	u8 reserved[3];
} __packed;
static_assert(sizeof(struct rsdp) == 36, "ACPI 6.4 5.2.5.3");
#define RSDP_V1_SIZE 20

struct madt {
	struct acpi_header header; /* first: see end_table() */
	u32 lapic;
	u32 flags;
} __packed;

struct madt_lapic {
	u8 type, length;
	u8 uid, apic_id;
	u32 flags;
} __packed;

struct madt_ioapic {
	u8 type, length;
	u8 id, reserved;
	u32 address, gsi_base;
} __packed;

struct madt_override {
	u8 type, length;
	u8 bus, source;
	u32 gsi;
	u16 flags;
} __packed;

#define MADT_LAPIC_ENABLED BIT(0)

bool dom0_acpi_allowed(const char *signature)
{
	/*
	 * What describes devices that the control domain drives. Not in it: what describes the CPUs
	 * and memory (MADT, SRAT, SLIT, HMAT, PPTT), what the hypervisor keeps for itself (DMAR,
	 * IVRS, HPET), and error sources that need NMIs and machine checks (HEST, ERST, BERT,
	 * EINJ).
	 */
	static const char allowed[][5] = {
		"FACP",         /* and through it DSDT and FACS */
		"SSDT", "PSDT", /* more AML */
		"MCFG",         /* config space */
		"SBST",         /* batteries */
		"SLIC", "MSDM", /* licences */
		"WDAT",         /* the board's watchdog */
		"FPDT", "S3PT", /* boot time records */
		"TPM2", "VFCT", /* devices' own data */
	};

	for (u32 i = 0; i < ARRAY_SIZE(allowed); i++)
		if (memcmp(signature, allowed[i], 4) == 0)
			return true;
	return memcmp(signature, "OEM", 3) == 0;
}

/* --- tables that are made ----------------------------------------------------- */

struct out {
	u8 *buf;
	u32 size, used;
	bool full;
};

/* Room for n more bytes, zeroed; NULL and `full` when there is none. */
static void *take(struct out *o, u32 n)
{
	void *p = o->buf + o->used;

	if (o->full || o->size - o->used < n) {
		o->full = true;
		return NULL;
	}
	o->used += n;
	return memset(p, 0, n);
}

static void take_to(struct out *o, u32 align)
{
	take(o, ROUND_UP(o->used, align) - o->used);
}

static struct acpi_header *begin_table(struct out *o, const char *signature, u8 revision, u32 size)
{
	struct acpi_header *h;

	take_to(o, 16);
	h = take(o, size);
	if (!h)
		return NULL;
	memcpy(h->signature, signature, 4);
	memcpy(h->oem_id, "FROE  ", 6);
	memcpy(h->oem_table_id, "FROEDOM0", 8);
	memcpy(&h->creator_id, "FROE", 4);
	h->revision = revision;
	h->oem_revision = h->creator_revision = 1;
	return h;
}

/* The byte that makes n bytes sum to zero; the field it goes to holds 0 now. */
static u8 checksum(const void *p, u32 n)
{
	const u8 *b = p;
	u8 sum = 0;

	for (u32 i = 0; i < n; i++)
		sum += b[i];
	return (u8)-sum;
}

static void end_table(struct out *o, struct acpi_header *h)
{
	if (o->full)
		return;
	h->length = (u32)(o->buf + o->used - (u8 *)h);
	h->checksum = checksum(h, h->length);
}

static void put_xsdt(struct out *o, const paddr_t *tables, u32 count, paddr_t madt)
{
	struct acpi_header *h = begin_table(o, "XSDT", 1, sizeof(*h));
	u64 *entry;

	for (u32 i = 0; i < count + 1; i++) {
		u64 at = i < count ? tables[i] : madt;

		entry = take(o, sizeof(*entry));
		if (entry)
			memcpy(entry, &at, sizeof(at)); /* behind 36 bytes: not aligned to 8 */
	}
	end_table(o, h);
}

/*
 * One local APIC for each vCPU, with the UID by which Linux numbers it; the machine's IO-APICs and
 * overrides. PCAT_COMPAT is clear: there is no 8259 for it. No NMI entries: what comes in on a
 * LINT pin is the hypervisor's.
 */
static void put_madt(struct out *o, const struct acpi_info *info, const u32 *apic_id, u32 vcpus)
{
	struct madt *m = (struct madt *)begin_table(o, "APIC", 3, sizeof(*m));

	if (m)
		m->lapic = 0xfee00000;
	for (u32 i = 0; i < vcpus; i++) {
		struct madt_lapic *l = take(o, sizeof(*l));

		if (l)
			*l = (struct madt_lapic){ 0, sizeof(*l), (u8)i, (u8)apic_id[i],
				                  MADT_LAPIC_ENABLED };
	}
	for (u32 i = 0; i < info->ioapic_count; i++) {
		struct madt_ioapic *a = take(o, sizeof(*a));

		if (a)
			*a = (struct madt_ioapic){ 1,
				                   sizeof(*a),
				                   (u8)info->ioapic[i].id,
				                   0,
				                   info->ioapic[i].address,
				                   info->ioapic[i].gsi_base };
	}
	for (u32 i = 0; i < info->override_count; i++) {
		struct madt_override *v = take(o, sizeof(*v));

		if (v)
			*v = (struct madt_override){ 2,
				                     sizeof(*v),
				                     info->override[i].bus,
				                     info->override[i].source,
				                     info->override[i].gsi,
				                     info->override[i].flags };
	}
	end_table(o, (struct acpi_header *)m);
}

u32 dom0_acpi_build(void *buf, u32 size, paddr_t at, const struct acpi_info *info,
                    const paddr_t *tables, u32 table_count, const u32 *apic_id, u32 vcpu_count)
{
	struct out o = { .buf = buf, .size = size };
	struct rsdp *r = take(&o, sizeof(*r));
	paddr_t madt;

	take_to(&o, 16);
	madt = at + o.used;
	put_madt(&o, info, apic_id, vcpu_count);
	take_to(&o, 16);
	if (!r || o.full)
		return 0;
	memcpy(r->signature, "RSD PTR ", 8);
	memcpy(r->oem_id, "FROE  ", 6);
	r->revision = 2;
	r->length = sizeof(*r);
	r->xsdt = at + o.used;
	r->checksum = checksum(r, RSDP_V1_SIZE);
	r->checksum_all = checksum(r, sizeof(*r));
	put_xsdt(&o, tables, table_count, madt);
	return o.full ? 0 : o.used;
}

/* --- IOMMUs -------------------------------------------------------------------- */

/* IVHD, the part that all its types have in common; EFR only in 0x11 and 0x40. */
struct ivhd {
	u8 type, flags;
	u16 length, device, capability;
	u64 base;
	u16 segment, info;
	u32 attributes;
	u64 efr;
} __packed;
#define IVRS_FIRST      48
#define IVHD_SIZE_10    24
#define IVHD_EFR_PC_SUP BIT(9) /* performance counters: a larger register window */

struct drhd {
	u16 type, length;
	u8 flags, size;
	u16 segment;
	u64 base;
} __packed;
#define DMAR_FIRST 48

static struct range ivhd_range(const u8 *at, u32 length)
{
	struct ivhd h = { 0 };
	u64 size = 16 * KIB;

	if ((at[0] != 0x10 && at[0] != 0x11 && at[0] != 0x40) || length < IVHD_SIZE_10)
		return (struct range){ 0 };
	memcpy(&h, at, min(length, (u32)sizeof(h)));
	if (h.type != 0x10 && (h.efr & IVHD_EFR_PC_SUP))
		size = 512 * KIB;
	return (struct range){ h.base, h.base + size };
}

static struct range drhd_range(const u8 *at, u32 length)
{
	struct drhd h;

	memcpy(&h, at, min(length, (u32)sizeof(h)));
	if (h.type != 0 || length < sizeof(h))
		return (struct range){ 0 };
	/* 2^(size bits 3:0) pages; older tables say 0, one page. */
	return (struct range){ h.base, h.base + (PAGE_SIZE << (h.size & 15)) };
}

u32 dom0_acpi_iommus(const struct acpi_header *table, struct range *out, u32 max)
{
	bool amd = memcmp(table->signature, "IVRS", 4) == 0;
	const u8 *p = (const u8 *)table;
	u32 n = 0;

	/* IVRS blocks: type u8, flags u8, length u16. DMAR structures: type u16, length u16. */
	for (u32 pos = amd ? IVRS_FIRST : DMAR_FIRST;
	     table->length >= 4 && pos <= table->length - 4;) {
		u32 length = p[pos + 2] | (u32)p[pos + 3] << 8;
		struct range r;
		bool known = false;

		if (length < 4 || length > table->length - pos)
			break;
		r = amd ? ivhd_range(p + pos, length) : drhd_range(p + pos, length);
		for (u32 i = 0; i < n; i++) /* one IOMMU has an IVHD of each type */
			known |= out[i].start == r.start;
		if (r.start && n < max && !known)
			out[n++] = r;
		pos += length;
	}
	return n;
}
