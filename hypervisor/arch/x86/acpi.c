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

static bool rsdp_valid(const struct acpi_rsdp *p)
{
	return !memcmp(p->signature, "RSD PTR ", 8) && !acpi_checksum(p, ACPI_RSDP_SIZE_0);
}

static paddr_t rsdp_scan_range(paddr_t start, u32 size)
{
	const u8 *p = firmware_map(start, size);

	for (u32 at = 0; p && at + ACPI_RSDP_SIZE_0 <= size; at += 16)
		if (rsdp_valid((const void *)(p + at)))
			return start + at;
	return 0;
}

static paddr_t rsdp_find(paddr_t hint)
{
	const struct acpi_rsdp *p = hint ? firmware_map(hint, ACPI_RSDP_SIZE_0) : NULL;
	const u16 *ebda = firmware_map(0x40e, sizeof(*ebda)); /* its segment, in the BIOS's data */
	paddr_t found = 0;

	if (p && rsdp_valid(p))
		return hint;
	if (ebda && *ebda >= 0x40 && *ebda < 0xa000)
		found = rsdp_scan_range((paddr_t)*ebda << 4, 1024);
	return found ? found : rsdp_scan_range(0xe0000, 0x20000);
}

static void list_tables(const struct acpi_header *root, u32 entry_size)
{
	u32 left = 0;

	for (u32 at = sizeof(*root); at + entry_size <= root->length; at += entry_size) {
		paddr_t pa = 0;

		memcpy(&pa, (const u8 *)root + at, entry_size);
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
	const struct acpi_rsdp *rsdp, *whole;
	u32 entry_size = 8;

	acpi.rsdp = rsdp_find(hint);
	rsdp = acpi.rsdp ? firmware_map(acpi.rsdp, ACPI_RSDP_SIZE_0) : NULL;
	if (!rsdp)
		return -ENOENT;
	acpi.rsdp_revision = rsdp->revision;
	whole = rsdp->revision >= 2 ? firmware_map(acpi.rsdp, sizeof(*whole)) : NULL;
	if (whole && !acpi_checksum(whole, sizeof(*whole)))
		root = table_map(whole->xsdt, "XSDT");
	if (!root) {
		root = table_map(rsdp->rsdt, "RSDT");
		entry_size = 4;
	}
	if (!root)
		return -EINVAL;
	list_tables(root, entry_size);
	return 0;
}

/* --- MADT (5.2.12) -------------------------------------------------------- */

static u32 cpus_left_out;

static void add_cpu(u32 apic_id, u32 flags)
{
	if (!(flags & ACPI_CPU_ENABLED))
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

static void madt_entry(const u8 *e, u32 length)
{
	const struct acpi_lapic *lapic = (const void *)e;
	const struct acpi_x2apic *x2apic = (const void *)e;
	const struct acpi_ioapic *ioapic = (const void *)e;
	const struct acpi_override *override = (const void *)e;

	if (e[0] == ACPI_LAPIC && length >= sizeof(*lapic) && lapic->apic_id != 255)
		add_cpu(lapic->apic_id, lapic->flags);
	else if (e[0] == ACPI_X2APIC && length >= sizeof(*x2apic))
		add_cpu(x2apic->apic_id, x2apic->flags);
	else if (e[0] == ACPI_IOAPIC && length == sizeof(*ioapic) && ioapic->address &&
	         acpi.ioapic_count < ACPI_MAX_IOAPICS)
		acpi.ioapic[acpi.ioapic_count++] = *ioapic;
	else if (e[0] == ACPI_OVERRIDE && length == sizeof(*override) &&
	         acpi.override_count < ACPI_MAX_OVERRIDES)
		acpi.override[acpi.override_count++] = *override;
}

static int parse_madt(const struct acpi_header *madt)
{
	const u8 *p = (const u8 *)madt;

	cpus_left_out = 0;
	for (u32 at = sizeof(struct acpi_madt); at + 2 <= madt->length; at += p[at + 1]) {
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

struct gas {
	u8 space, width, offset, access;
	u64 address;
} __packed;

struct fadt {
	struct acpi_header header;
	u32 facs, dsdt;
	u8 model, profile;
	u16 sci_int;
	u32 smi_cmd;
	u8 acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	u32 pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr, gpe0, gpe1;
	u8 pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len, gpe0_len, gpe1_len, gpe1_base, cst;
	u16 lvl2_latency, lvl3_latency, flush_size, flush_stride;
	u8 duty_offset, duty_width, day_alarm, month_alarm, century;
	u16 boot_arch;
	u8 reserved;
	u32 flags; /* the last field of ACPI 1.0 */
	struct gas reset_reg;
	u8 reset_value;
	u16 arm_boot_arch;
	u8 minor;
	u64 x_facs, x_dsdt;
	struct gas x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt, x_pm2_cnt, x_pm_tmr;
} __packed;
static_assert(offsetof(struct fadt, flags) == 112, "ACPI 6.4 5.2.9");
static_assert(offsetof(struct fadt, x_pm_tmr) == 208, "ACPI 6.4 5.2.9");

#define FADT_RESET_REG_OK BIT(10)
#define GAS_IO            1

static u16 gas_port(const struct gas *g)
{
	return g->space == GAS_IO && g->address <= 0xfffe ? (u16)g->address : 0;
}

/* The extended field counts if it is there; firmware fills one, the other or both. */
static u16 fadt_port(const struct gas *extended, u32 old)
{
	u16 port = gas_port(extended);

	if (port)
		return port;
	return old <= 0xfffe ? (u16)old : 0;
}

static void parse_fadt(const struct acpi_header *table)
{
	struct fadt f = { 0 }; /* zeroes where older tables end */

	if (table->length < offsetof(struct fadt, reset_reg))
		return;
	memcpy(&f, table, min(table->length, (u32)sizeof(f)));
	acpi.pm1a_evt = fadt_port(&f.x_pm1a_evt, f.pm1a_evt);
	acpi.pm1a_cnt = fadt_port(&f.x_pm1a_cnt, f.pm1a_cnt);
	acpi.pm1b_cnt = fadt_port(&f.x_pm1b_cnt, f.pm1b_cnt);
	if (f.pm_tmr_len == 4)
		acpi.pm_timer = fadt_port(&f.x_pm_tmr, f.pm_tmr);
	acpi.rtc_century = f.century < 0x80 ? f.century : 0;
	if (f.flags & FADT_RESET_REG_OK) {
		acpi.reset_port = gas_port(&f.reset_reg);
		acpi.reset_value = f.reset_value;
	}
	acpi.dsdt = f.x_dsdt ? f.x_dsdt : f.dsdt;
}

/* --- \_S5, the sleep type that powers off (7.4.2, AML in 20.2) ------------ */

enum {
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
	u32 i = *at, op = i < end ? aml[i] : ~0u;
	u32 extra = op == AML_BYTE ? 1 : op == AML_WORD ? 2 : op == AML_DWORD ? 4 : 0;

	if ((!extra && op > AML_ONE) || end - i <= extra)
		return -1;
	*at = i + 1 + extra;
	return extra ? aml[i + 1] : (int)op;
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
	return 0;
}
