/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's IO-APICs until the control domain has them: masked. */
#include <acpi.h>
#include <hostmap.h>

#define IOAPIC_VERSION 1
#define IOAPIC_PIN(n)  (0x10 + 2 * (n))
#define PIN_MASKED     BIT(16)
#define PIN_MODE       (7 << 8)
#define PIN_MODE_SMI   (2 << 8)

static u32 ioapic_read(volatile u32 *regs, u32 index)
{
	regs[0] = index;
	return regs[4];
}

static void ioapic_write(volatile u32 *regs, u32 index, u32 v)
{
	regs[0] = index;
	regs[4] = v;
}

/* Firmware's SMIs stay: the machine's fans may hang on them. */
static void mask_pin(volatile u32 *regs, u32 pin)
{
	u32 low = ioapic_read(regs, IOAPIC_PIN(pin));

	if ((low & PIN_MODE) == PIN_MODE_SMI)
		return;
	ioapic_write(regs, IOAPIC_PIN(pin), low | (u32)PIN_MASKED);
	/* Edge mode for a moment clears a remote IRR that firmware left behind. */
	ioapic_write(regs, IOAPIC_PIN(pin), (u32)PIN_MASKED);
}

void acpi_ioapic_mask_all(void)
{
	for (u32 i = 0; i < acpi.ioapic_count; i++) {
		volatile u32 *regs = mmio_map(acpi.ioapic[i].address, PAGE_SIZE);
		u32 last = ioapic_read(regs, IOAPIC_VERSION) >> 16 & 0xff;

		for (u32 pin = 0; pin <= last; pin++)
			mask_pin(regs, pin);
	}
}
