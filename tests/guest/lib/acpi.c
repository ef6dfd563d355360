/* SPDX-License-Identifier: GPL-2.0-only */
/* The ACPI tables as the start information names them, as far as tests need them. */
#include "guest.h"

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t ext_checksum, reserved[3];
} __attribute__((packed));

struct madt_entry {
	uint8_t type, length, data[];
};

#define MADT_HEADER 44
#define MADT_LAPIC  0
#define MADT_X2APIC 9

struct hvm_start_info *start_info;

bool acpi_checksum(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	while (n--)
		sum += *b++;
	return sum == 0;
}

static uint64_t pointer_at(const struct acpi_table *root, size_t i, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, (const uint8_t *)root + sizeof(*root) + i * size, size);
	return v;
}

const struct acpi_table *acpi_find(const char *signature)
{
	const struct rsdp *rsdp = (void *)start_info->rsdp_paddr;
	const struct acpi_table *root, *t;
	size_t i, size;

	if (!rsdp || memcmp(rsdp->signature, "RSD PTR ", 8))
		return NULL;
	size = rsdp->revision >= 2 && rsdp->xsdt ? 8 : 4;
	root = (void *)(size == 8 ? rsdp->xsdt : rsdp->rsdt);
	if (!memcmp(root->signature, signature, 4))
		return root;
	for (i = 0; sizeof(*root) + (i + 1) * size <= root->length; i++) {
		t = (void *)pointer_at(root, i, size);
		if (t && !memcmp(t->signature, signature, 4))
			return t;
	}
	return NULL;
}

/* The APIC ids of the enabled CPUs in MADT order; returns how many there are. */
unsigned int acpi_cpus(uint32_t *apic_ids, unsigned int max)
{
	const struct acpi_table *madt = acpi_find("APIC");
	const struct madt_entry *e;
	unsigned int n = 0;
	uint32_t id, flags, at;

	if (!madt)
		return 0;
	for (at = MADT_HEADER; at + 2 <= madt->length; at += e->length) {
		e = (const void *)((const uint8_t *)madt + at);
		if (e->length < 2)
			break;
		if (e->type == MADT_LAPIC) {
			id = e->data[1];
			memcpy(&flags, &e->data[2], 4);
		} else if (e->type == MADT_X2APIC) {
			memcpy(&id, &e->data[2], 4);
			memcpy(&flags, &e->data[6], 4);
		} else {
			continue;
		}
		if ((flags & 1) && n < max)
			apic_ids[n++] = id;
	}
	return n;
}
