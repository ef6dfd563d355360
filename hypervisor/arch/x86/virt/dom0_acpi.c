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

/* The byte that makes n bytes sum to zero; the field it goes to holds 0 now. */
static u8 checksum(const void *p, u32 n)
{
	return (u8)-acpi_checksum(p, n);
}

/* The header of a table whose other bytes are there. */
static void finish(struct acpi_header *h, const char *signature, u8 revision, u32 length)
{
	*h = (struct acpi_header){ .length = length,
		                   .revision = revision,
		                   .oem_id = "FROE  ",
		                   .oem_table_id = "FROEDOM0",
		                   .oem_revision = 1,
		                   .creator_revision = 1 };
	memcpy(h->signature, signature, 4);
	memcpy(&h->creator_id, "FROE", 4);
	h->checksum = checksum(h, length);
}

/*
 * One local APIC for each vCPU, with the UID by which Linux numbers it; the machine's IO-APICs and
 * overrides. PCAT_COMPAT is clear: there is no 8259 for it. No NMI entries: what comes in on a
 * LINT pin is the hypervisor's.
 */
static void fill_madt(struct acpi_madt *m, u32 length, const struct acpi_info *info,
                      const u32 *apic_id, u32 vcpus)
{
	struct acpi_lapic *lapic = (void *)(m + 1);
	struct acpi_ioapic *ioapic = (void *)(lapic + vcpus);

	m->lapic = 0xfee00000;
	for (u32 i = 0; i < vcpus; i++)
		lapic[i] = (struct acpi_lapic){ ACPI_LAPIC, sizeof(*lapic), (u8)i, (u8)apic_id[i],
			                        ACPI_CPU_ENABLED };
	memcpy(ioapic, info->ioapic, info->ioapic_count * sizeof(*ioapic));
	memcpy(ioapic + info->ioapic_count, info->override,
	       info->override_count * sizeof(*info->override));
	finish(&m->header, "APIC", 3, length);
}

u32 dom0_acpi_build(void *buf, u32 size, paddr_t at, const struct acpi_info *info,
                    const paddr_t *tables, u32 table_count, const u32 *apic_id, u32 vcpu_count)
{
	u32 madt_length = (u32)(sizeof(struct acpi_madt) + vcpu_count * sizeof(struct acpi_lapic) +
	                        info->ioapic_count * sizeof(*info->ioapic) +
	                        info->override_count * sizeof(*info->override));
	u32 madt = ROUND_UP((u32)sizeof(struct acpi_rsdp), 16);
	u32 xsdt = ROUND_UP(madt + madt_length, 16);
	u32 list = xsdt + (u32)sizeof(struct acpi_header);
	u32 used = list + (table_count + 1) * (u32)sizeof(u64);
	struct acpi_rsdp *r = buf;
	u8 *p = buf;

	if (used > size)
		return 0;
	memset(buf, 0, used);
	fill_madt((void *)(p + madt), madt_length, info, apic_id, vcpu_count);
	memcpy(p + list, tables, table_count * sizeof(u64));
	memcpy(p + used - sizeof(u64), &(u64){ at + madt }, sizeof(u64));
	finish((void *)(p + xsdt), "XSDT", 1, used - xsdt);
	*r = (struct acpi_rsdp){ .signature = "RSD PTR ",
		                 .oem_id = "FROE  ",
		                 .revision = 2,
		                 .length = sizeof(*r),
		                 .xsdt = at + xsdt };
	r->checksum = checksum(r, ACPI_RSDP_SIZE_0);
	r->checksum_all = checksum(r, sizeof(*r));
	return used;
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
