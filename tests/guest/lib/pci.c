/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices on PCI bus 0, by the type 1 configuration ports. */
#include "guest.h"

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PCI_COMMAND 4
#define PCI_BAR0    0x10

uint32_t pci_read(uint32_t slot, uint32_t reg)
{
	outl(PCI_ADDRESS, 1u << 31 | slot << 11 | (reg & ~3u));
	return inl(PCI_DATA);
}

void pci_write(uint32_t slot, uint32_t reg, uint32_t val)
{
	outl(PCI_ADDRESS, 1u << 31 | slot << 11 | (reg & ~3u));
	outl(PCI_DATA, val);
}

uint64_t pci_bar(uint32_t slot, uint32_t id)
{
	if (pci_read(slot, 0) != id)
		return 0;
	pci_write(slot, PCI_COMMAND, (pci_read(slot, PCI_COMMAND) & 0xffff) | 7);
	return pci_read(slot, PCI_BAR0) & ~0xfu;
}
