/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's ACPI tables, summarised in `acpi`.
 *
 * Firmware is not trusted to be right: every table is mapped by its header first, must have a sane
 * length and a right checksum, and nothing is read beyond its end.
 */
#include <acpi.h>
#include <hostmap.h>
#include <printk.h>
#include <string.h>

#define TABLE_MAX (16 * MIB)

struct acpi_info acpi;

static u16 get16(const void *p, u32 offset)
{
	u16 v;

	memcpy(&v, (const u8 *)p + offset, sizeof(v));
	return v;
}

static u32 get32(const void *p, u32 offset)
{
	u32 v;

	memcpy(&v, (const u8 *)p + offset, sizeof(v));
	return v;
}

static u64 get64(const void *p, u32 offset)
{
	u64 v;

	memcpy(&v, (const u8 *)p + offset, sizeof(v));
	return v;
}

u8 acpi_checksum(const void *p, u32 length)
{
	const u8 *b = p;
	u8 sum = 0;

	while (length--)
		sum += *b++;
	return sum;
}

/* The whole table at pa, if it is one; signature NULL: any. */
static const struct acpi_header *table_map(paddr_t pa, const char *signature)
{
	const struct acpi_header *h = pa ? firmware_map(pa, sizeof(*h)) : NULL;
	u32 length;

	if (!h || (signature && memcmp(h->signature, signature, 4)))
		return NULL;
	length = h->length;
	if (length < sizeof(*h) || length > TABLE_MAX)
		return NULL;
	h = firmware_map(pa, length);
	if (!h || acpi_checksum(h, length)) {
		pr_warn("acpi: the table at %#lx has a wrong checksum, ignored\n", pa);
		return NULL;
	}
	return h;
}

const struct acpi_header *acpi_find(const char *signature)
{
	for (u32 i = 0; i < acpi.table_count; i++) {
		const struct acpi_header *h = table_map(acpi.table[i], signature);

		if (h)
			return h;
	}
	return NULL;
}

/* --- RSDP and the list of tables (ACPI 6.4 5.2.5-5.2.8) ------------------- */

#define RSDP_SIZE_1 20
#define RSDP_SIZE_2 36

static bool rsdp_valid(const void *p)
{
	return !memcmp(p, "RSD PTR ", 8) && !acpi_checksum(p, RSDP_SIZE_1);
}

static paddr_t rsdp_scan_range(paddr_t start, u32 size)
{
	const u8 *p = firmware_map(start, size);

	for (u32 at = 0; p && at + RSDP_SIZE_1 <= size; at += 16)
		if (rsdp_valid(p + at))
			return start + at;
	return 0;
}

static paddr_t rsdp_find(paddr_t hint)
{
	const void *p = hint ? firmware_map(hint, RSDP_SIZE_1) : NULL;
	const void *bda;
	paddr_t ebda, found = 0;

	if (p && rsdp_valid(p))
		return hint;
	bda = firmware_map(0x40e, 2);
	ebda = bda ? (paddr_t)get16(bda, 0) << 4 : 0;
	if (ebda >= 0x400 && ebda < 0xa0000)
		found = rsdp_scan_range(ebda, 1024);
	return found ? found : rsdp_scan_range(0xe0000, 0x20000);
}

static void list_tables(const struct acpi_header *root, u32 entry_size)
{
	u32 left = 0;

	for (u32 at = sizeof(*root); at + entry_size <= root->length; at += entry_size) {
		paddr_t pa = entry_size == 8 ? get64(root, at) : get32(root, at);

		if (!pa)
			continue;
		if (acpi.table_count == ACPI_MAX_TABLES)
			left++;
		else
			acpi.table[acpi.table_count++] = pa;
	}
	if (left)
		pr_warn("acpi: %u tables more than the %u that fit, ignored\n", left,
		        ACPI_MAX_TABLES);
}

static int find_tables(paddr_t hint)
{
	const struct acpi_header *root = NULL;
	const u8 *rsdp, *whole;

	acpi.rsdp = rsdp_find(hint);
	rsdp = acpi.rsdp ? firmware_map(acpi.rsdp, RSDP_SIZE_1) : NULL;
	if (!rsdp)
		return -ENOENT;
	acpi.rsdp_revision = rsdp[15];
	whole = acpi.rsdp_revision >= 2 ? firmware_map(acpi.rsdp, RSDP_SIZE_2) : NULL;
	if (whole && !acpi_checksum(whole, RSDP_SIZE_2))
		root = table_map(get64(whole, 24), "XSDT");
	if (root) {
		list_tables(root, 8);
		return 0;
	}
	root = table_map(get32(rsdp, 16), "RSDT");
	if (!root)
		return -EINVAL;
	list_tables(root, 4);
	return 0;
}

/* --- MADT (5.2.12) -------------------------------------------------------- */

#define MADT_FIRST 44 /* offset of the first entry */

enum {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LAPIC_ADDRESS = 5,
	MADT_X2APIC = 9,
};

#define MADT_ENABLED BIT(0)

static u32 cpus_left_out;

static void add_cpu(u32 apic_id, u32 flags)
{
	if (!(flags & MADT_ENABLED))
		return;
	for (u32 i = 0; i < acpi.cpu_count; i++)
		if (acpi.cpu_apic_id[i] == apic_id)
			return; /* small ids may be there in both forms */
	/* Ids from 255 up take interrupt remapping, which this hypervisor does not use. */
	if (apic_id >= 255 || acpi.cpu_count == ARRAY_SIZE(acpi.cpu_apic_id))
		cpus_left_out++;
	else
		acpi.cpu_apic_id[acpi.cpu_count++] = apic_id;
}

static void add_ioapic(const u8 *e)
{
	u32 n = acpi.ioapic_count;

	if (n == ACPI_MAX_IOAPICS || !get32(e, 4))
		return;
	acpi.ioapic[n].id = e[2];
	acpi.ioapic[n].address = get32(e, 4);
	acpi.ioapic[n].gsi_base = get32(e, 8);
	acpi.ioapic_count++;
}

static void add_override(const u8 *e)
{
	u32 n = acpi.override_count;

	if (n == ACPI_MAX_OVERRIDES)
		return;
	acpi.override[n].bus = e[2];
	acpi.override[n].source = e[3];
	acpi.override[n].gsi = get32(e, 4);
	acpi.override[n].flags = get16(e, 8);
	acpi.override_count++;
}

static void madt_entry(const u8 *e, u32 length)
{
	if (e[0] == MADT_LAPIC && length >= 8 && e[3] != 255)
		add_cpu(e[3], get32(e, 4));
	else if (e[0] == MADT_X2APIC && length >= 16)
		add_cpu(get32(e, 4), get32(e, 8));
	else if (e[0] == MADT_IOAPIC && length >= 12)
		add_ioapic(e);
	else if (e[0] == MADT_OVERRIDE && length >= 10)
		add_override(e);
	else if (e[0] == MADT_LAPIC_ADDRESS && length >= 12 && !(get64(e, 4) >> 32))
		acpi.lapic_base = get32(e, 4);
}

static int parse_madt(const struct acpi_header *madt)
{
	const u8 *p = (const u8 *)madt;

	if (madt->length < MADT_FIRST)
		return -EINVAL;
	cpus_left_out = 0;
	acpi.lapic_base = get32(p, 36);
	for (u32 at = MADT_FIRST; at + 2 <= madt->length; at += p[at + 1]) {
		if (p[at + 1] < 2 || at + p[at + 1] > madt->length)
			break;
		madt_entry(p + at, p[at + 1]);
	}
	if (cpus_left_out)
		pr_warn("acpi: %u CPUs left out: at most %lu are used, with APIC ids up to 254\n",
		        cpus_left_out, ARRAY_SIZE(acpi.cpu_apic_id));
	return acpi.cpu_count ? 0 : -EINVAL;
}

/* --- FADT (5.2.9) --------------------------------------------------------- */

enum {
	FADT_FACS = 36,
	FADT_DSDT = 40,
	FADT_SCI_INT = 46,
	FADT_PM1A_EVT = 56,
	FADT_PM1A_CNT = 64,
	FADT_PM1B_CNT = 68,
	FADT_PM_TMR = 76,
	FADT_PM1_CNT_LEN = 89,
	FADT_PM_TMR_LEN = 91,
	FADT_CENTURY = 108,
	FADT_FLAGS = 112,
	FADT_RESET_REG = 116,
	FADT_RESET_VALUE = 128,
	FADT_X_FACS = 132,
	FADT_X_DSDT = 140,
	FADT_X_PM1A_EVT = 148,
	FADT_X_PM1A_CNT = 172,
	FADT_X_PM1B_CNT = 184,
	FADT_X_PM_TMR = 208,
};

#define FADT_MIN          116 /* ACPI 1.0 */
#define FADT_TMR_VAL_EXT  BIT(8)
#define FADT_RESET_REG_OK BIT(10)
#define GAS_SIZE          12
#define GAS_IO            1

/* A port of a generic address structure inside the table; 0 if there is none. */
static u16 gas_port(const struct acpi_header *fadt, u32 at)
{
	const u8 *p = (const u8 *)fadt;
	u64 address;

	if (at + GAS_SIZE > fadt->length || p[at] != GAS_IO)
		return 0;
	address = get64(p, at + 4);
	return address <= 0xfffe ? (u16)address : 0;
}

/* The extended field counts if it is there; firmware fills one, the other or both. */
static u16 fadt_port(const struct acpi_header *fadt, u32 extended, u32 at)
{
	u16 port = gas_port(fadt, extended);
	u32 old = get32(fadt, at);

	if (port)
		return port;
	return old <= 0xfffe ? (u16)old : 0;
}

static paddr_t fadt_address(const struct acpi_header *fadt, u32 extended, u32 at)
{
	paddr_t pa = extended + 8 <= fadt->length ? get64(fadt, extended) : 0;

	return pa ? pa : get32(fadt, at);
}

static void parse_fadt(const struct acpi_header *fadt)
{
	const u8 *p = (const u8 *)fadt;
	u32 flags;

	if (fadt->length < FADT_MIN)
		return;
	flags = get32(p, FADT_FLAGS);
	acpi.sci_irq = get16(p, FADT_SCI_INT);
	acpi.pm1a_evt = fadt_port(fadt, FADT_X_PM1A_EVT, FADT_PM1A_EVT);
	acpi.pm1a_cnt = fadt_port(fadt, FADT_X_PM1A_CNT, FADT_PM1A_CNT);
	acpi.pm1b_cnt = fadt_port(fadt, FADT_X_PM1B_CNT, FADT_PM1B_CNT);
	acpi.pm1_cnt_len = p[FADT_PM1_CNT_LEN];
	if (p[FADT_PM_TMR_LEN] == 4)
		acpi.pm_timer = fadt_port(fadt, FADT_X_PM_TMR, FADT_PM_TMR);
	acpi.pm_timer_32 = flags & FADT_TMR_VAL_EXT;
	acpi.rtc_century = p[FADT_CENTURY] < 0x80 ? p[FADT_CENTURY] : 0;
	if (flags & FADT_RESET_REG_OK && FADT_RESET_VALUE < fadt->length) {
		acpi.reset_port = gas_port(fadt, FADT_RESET_REG);
		acpi.reset_value = p[FADT_RESET_VALUE];
	}
	acpi.facs = fadt_address(fadt, FADT_X_FACS, FADT_FACS);
	acpi.dsdt = fadt_address(fadt, FADT_X_DSDT, FADT_DSDT);
}

/* --- \_S5, the sleep type that powers off (7.4.2, AML in 20.2) ------------ */

enum {
	AML_ZERO = 0x00,
	AML_ONE = 0x01,
	AML_NAME = 0x08,
	AML_BYTE = 0x0a,
	AML_WORD = 0x0b,
	AML_DWORD = 0x0c,
	AML_PACKAGE = 0x12,
};

/* A small integer at *at; -1 if there is none before `end`. */
static int aml_integer(const u8 *aml, u32 end, u32 *at)
{
	u32 i = *at, extra;

	if (i >= end)
		return -1;
	switch (aml[i]) {
	case AML_ZERO:
	case AML_ONE:
		*at = i + 1;
		return aml[i];
	case AML_BYTE:
		extra = 1;
		break;
	case AML_WORD:
		extra = 2;
		break;
	case AML_DWORD:
		extra = 4;
		break;
	default:
		return -1;
	}
	if (end - i <= extra)
		return -1;
	*at = i + 1 + extra;
	return aml[i + 1];
}

/* Whether a package of at least one integer follows the name that ends at `at`. */
static bool parse_s5(const u8 *aml, u32 end, u32 at)
{
	int a, b;

	if (at + 3 > end || aml[at] != AML_PACKAGE)
		return false;
	at += 2 + (aml[at + 1] >> 6); /* PkgLength, 1-4 bytes */
	at++;                         /* NumElements */
	a = aml_integer(aml, end, &at);
	if (a < 0 || a > 7)
		return false;
	b = aml_integer(aml, end, &at);
	acpi.s5_typ_a = (u8)a;
	acpi.s5_typ_b = b < 0 || b > 7 ? (u8)a : (u8)b;
	acpi.s5_known = true;
	return true;
}

static void scan_s5(const struct acpi_header *table)
{
	const u8 *aml = (const u8 *)table;

	for (u32 at = sizeof(*table) + 2; at + 4 <= table->length; at++) {
		if (memcmp(aml + at, "_S5_", 4))
			continue;
		if (aml[at - 1] != AML_NAME && (aml[at - 1] != '\\' || aml[at - 2] != AML_NAME))
			continue;
		if (parse_s5(aml, table->length, at + 4))
			return;
	}
}

static void find_s5(void)
{
	const struct acpi_header *h = table_map(acpi.dsdt, "DSDT");

	if (h)
		scan_s5(h);
	for (u32 i = 0; i < acpi.table_count && !acpi.s5_known; i++) {
		h = table_map(acpi.table[i], "SSDT");
		if (h)
			scan_s5(h);
	}
}

/* --- MCFG (PCI Firmware Specification 3.3, 4.1.2) ------------------------- */

static void parse_mcfg(const struct acpi_header *mcfg)
{
	const u8 *p = (const u8 *)mcfg;

	for (u32 at = 44; at + 16 <= mcfg->length; at += 16) {
		u32 n = acpi.mcfg_count;

		if (n == ARRAY_SIZE(acpi.mcfg) || !get64(p, at) || p[at + 10] > p[at + 11])
			continue;
		acpi.mcfg[n].base = get64(p, at);
		acpi.mcfg[n].segment = get16(p, at + 8);
		acpi.mcfg[n].bus_start = p[at + 10];
		acpi.mcfg[n].bus_end = p[at + 11];
		acpi.mcfg_count++;
	}
}

/* 0, or why the machine cannot be used: -ENOENT no RSDP, -EINVAL no list, -ENODEV no MADT. */
int acpi_parse(paddr_t hint)
{
	const struct acpi_header *h;
	int rc;

	memset(&acpi, 0, sizeof(acpi));
	rc = find_tables(hint);
	if (rc)
		return rc;
	h = acpi_find("APIC");
	if (!h || parse_madt(h))
		return -ENODEV;
	h = acpi_find("FACP");
	if (h)
		parse_fadt(h);
	find_s5();
	h = acpi_find("MCFG");
	if (h)
		parse_mcfg(h);
	return 0;
}
