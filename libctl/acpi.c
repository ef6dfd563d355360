/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's ACPI tables (ACPI 6.4): RSDP, XSDT, FADT, MADT, DSDT, one behind the other.
 *
 * The FADT says hardware-reduced: no PIC, no timer, no PM registers. There is no sleep control
 * register either, and that is deliberate: with one, Linux would power off by writing it; with
 * none it halts all its CPUs with interrupts off, which the hypervisor takes as power-off.
 */
#include <string.h>
#include "build.h"

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision;
	char creator[4];
	uint32_t creator_revision;
} __attribute__((packed));

struct rsdp { /* 5.2.5.3 */
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt, length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} __attribute__((packed));

struct xsdt {
	struct header h;
	uint64_t fadt, madt;
} __attribute__((packed));

struct fadt { /* 5.2.9, revision 5 */
	struct header h;
	uint32_t facs, dsdt;
	uint8_t reserved, profile;
	uint16_t sci;
	uint8_t legacy[61]; /* SMI, PM1, PM2, PM timer, GPE: none */
	uint16_t boot_arch;
	uint8_t reserved2;
	uint32_t flags;
	uint8_t reset[13];
	uint16_t arm_boot;
	uint8_t minor;
	uint64_t x_facs, x_dsdt;
	uint8_t x_legacy[96];
	uint8_t sleep_control[12], sleep_status[12];
} __attribute__((packed));
_Static_assert(sizeof(struct fadt) == 268, "ACPI 5.0 table 5-34");
_Static_assert(__builtin_offsetof(struct fadt, boot_arch) == 109, "ACPI 5.0 table 5-34");
_Static_assert(__builtin_offsetof(struct fadt, x_dsdt) == 140, "ACPI 5.0 table 5-34");

#define PROFILE_SERVER     4
#define BOOT_NO_VGA        (1 << 2)
#define BOOT_NO_CMOS_RTC   (1 << 5) /* and neither bit 0, legacy devices, nor bit 1, 8042 */
#define FADT_WBINVD        (1 << 0)
#define FADT_NO_PWR_BUTTON (1 << 4)
#define FADT_NO_SLP_BUTTON (1 << 5)
#define FADT_APIC_PHYSICAL (1 << 19)
#define FADT_HW_REDUCED    (1 << 20)

struct madt { /* 5.2.12 */
	struct header h;
	uint32_t apic, flags; /* bit 0 would be: there is a PIC too */
} __attribute__((packed));

struct local_apic { /* 5.2.12.2 */
	uint8_t type, length, uid, id;
	uint32_t flags;
} __attribute__((packed));

struct local_x2apic { /* 5.2.12.12 */
	uint8_t type, length;
	uint16_t reserved;
	uint32_t id, flags, uid;
} __attribute__((packed));

#define APIC_BASE    0xfee00000
#define APIC_ENABLED 1
/* The id is twice the vCPU's number, as in Xen; 255 is everybody in the short form. */
#define SHORT_VCPUS  127

static const uint8_t dsdt_code[] = {
	/* Name (\_S5, Package (2) { 0, 0 }): this is a machine that can be off */
	0x08,                       /* NameOp */
	'\\', '_',  'S',  '5', '_', /* NameString */
	0x12, 0x04, 0x02,           /* PackageOp, PkgLength, NumElements */
	0x00, 0x00,                 /* ZeroOp, ZeroOp: SLP_TYPa, SLP_TYPb */
};

#define RSDP_ROOM 64 /* what Xen leaves for it */
#define ALIGN8(x) (((x) + 7) & ~7ul)

static size_t madt_size(uint32_t vcpus)
{
	uint32_t s = vcpus < SHORT_VCPUS ? vcpus : SHORT_VCPUS;

	return sizeof(struct madt) + s * sizeof(struct local_apic) +
	       (vcpus - s) * sizeof(struct local_x2apic);
}

static size_t dsdt_size(void)
{
	return sizeof(struct header) + sizeof(dsdt_code);
}

size_t froe__acpi_size(uint32_t vcpus)
{
	return RSDP_ROOM + ALIGN8(sizeof(struct xsdt)) + ALIGN8(sizeof(struct fadt)) +
	       ALIGN8(madt_size(vcpus)) + ALIGN8(dsdt_size());
}

static uint8_t checksum(const void *table, size_t size)
{
	const uint8_t *p = table;
	uint8_t sum = 0;

	while (size--)
		sum += *p++;
	return -sum;
}

static void header(struct header *h, const char *signature, size_t length, uint8_t revision)
{
	memcpy(h->signature, signature, 4);
	h->length = length;
	h->revision = revision;
	memcpy(h->oem, "Froe  ", 6);
	memcpy(h->oem_table, "GUEST   ", 8);
	h->oem_revision = 1;
	memcpy(h->creator, "FROE", 4);
	h->creator_revision = 1;
}

static void finish(struct header *h)
{
	h->checksum = 0;
	h->checksum = checksum(h, h->length);
}

static void fill_fadt(struct fadt *t, uint64_t dsdt)
{
	header(&t->h, "FACP", sizeof(*t), 5);
	t->dsdt = dsdt;
	t->x_dsdt = dsdt;
	t->profile = PROFILE_SERVER;
	t->boot_arch = BOOT_NO_VGA | BOOT_NO_CMOS_RTC;
	t->flags = FADT_WBINVD | FADT_NO_PWR_BUTTON | FADT_NO_SLP_BUTTON | FADT_APIC_PHYSICAL |
	           FADT_HW_REDUCED;
	finish(&t->h);
}

/* All are enabled: one that is not could never be brought up later. */
static void fill_madt(struct madt *t, uint32_t vcpus)
{
	uint8_t *at = (uint8_t *)(t + 1);

	header(&t->h, "APIC", madt_size(vcpus), 3);
	t->apic = APIC_BASE;
	for (uint32_t i = 0; i < vcpus; i++) {
		if (i < SHORT_VCPUS) {
			struct local_apic a = { 0, sizeof(a), i, 2 * i, APIC_ENABLED };

			memcpy(at, &a, sizeof(a));
			at += sizeof(a);
		} else {
			struct local_x2apic a = { 9, sizeof(a), 0, 2 * i, APIC_ENABLED, i };

			memcpy(at, &a, sizeof(a));
			at += sizeof(a);
		}
	}
	finish(&t->h);
}

void froe__acpi_build(uint8_t *out, uint64_t base, uint32_t vcpus)
{
	uint64_t xsdt = RSDP_ROOM, fadt = xsdt + ALIGN8(sizeof(struct xsdt)),
		 madt = fadt + ALIGN8(sizeof(struct fadt)), dsdt = madt + ALIGN8(madt_size(vcpus));
	struct rsdp *r = (struct rsdp *)out;
	struct xsdt *x = (struct xsdt *)(out + xsdt);
	struct header *d = (struct header *)(out + dsdt);

	memset(out, 0, froe__acpi_size(vcpus));
	memcpy(r->signature, "RSD PTR ", 8);
	memcpy(r->oem, "Froe  ", 6);
	r->revision = 2;
	r->length = sizeof(*r);
	r->xsdt = base + xsdt;
	r->checksum = checksum(r, 20); /* the part that ACPI 1.0 knows */
	r->extended_checksum = checksum(r, sizeof(*r));

	header(&x->h, "XSDT", sizeof(*x), 1);
	x->fadt = base + fadt;
	x->madt = base + madt;
	finish(&x->h);
	fill_fadt((struct fadt *)(out + fadt), base + dsdt);
	fill_madt((struct madt *)(out + madt), vcpus);
	header(d, "DSDT", dsdt_size(), 2);
	memcpy(d + 1, dsdt_code, sizeof(dsdt_code));
	finish(d);
}
