/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's own sleep register: sleep to RAM is refused and the domain goes
 * on, power-off ends the machine.
 *
 * Sources: ACPI 6.4 4.8.3.2.1 (PM1 control: SLP_TYP bits 10-12, SLP_EN bit 13);
 * QEMU's q35: type 0 is S5, type 1 is S3.
 *
 * run: smp=1 end=halt
 */
#include "lib/guest.h"

#define FADT_PM1A_CNT 64
#define SLP_EN        (1u << 13)
#define TYPE_S3       (1u << 10)

void test_main(void)
{
	const struct acpi_table *fadt = acpi_find("FACP");
	uint32_t port = 0;

	EXPECT(fadt);
	if (!fadt)
		return;
	memcpy(&port, (const uint8_t *)fadt + FADT_PM1A_CNT, 4);
	EXPECT(port > 0 && port < 0x10000);
	outw((uint16_t)port, (uint16_t)((inw((uint16_t)port) & ~0x3c00u) | TYPE_S3 | SLP_EN));
	EXPECT_EQ(xen_version(XENVER_version, 0), 4 << 16 | 17);
	if (!check_clean())
		return;
	print("verdict: halting\n");
	outw((uint16_t)port, (uint16_t)((inw((uint16_t)port) & ~0x3c00u) | SLP_EN));
	for (;;)
		asm volatile("hlt");
}
