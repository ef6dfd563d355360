/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's firmware configuration device, for one thing only: it writes to
 * memory by DMA, so it tells whether a frame is where the domain thinks it is.
 */
#include "guest.h"

#define FWCFG_SELECT 0x510
#define FWCFG_DATA   0x511
#define FWCFG_DMA    0x514
#define FWCFG_ID     1
#define DMA_READ     2
#define DMA_SELECT   8

struct fwcfg_dma {
	uint32_t control, length;
	uint64_t address;
};

static bool fwcfg_present(void)
{
	static const char want[4] = { 'Q', 'E', 'M', 'U' };
	char got[4];
	int i;

	outw(FWCFG_SELECT, 0);
	for (i = 0; i < 4; i++)
		got[i] = (char)inb(FWCFG_DATA);
	if (memcmp(got, want, 4))
		return false;
	outw(FWCFG_SELECT, FWCFG_ID);
	return inb(FWCFG_DATA) & 2;
}

/* QEMU docs/specs/fw_cfg: all fields big endian; the low half of the address starts it. */
bool fwcfg_dma_reaches(void *va, uint64_t machine_address)
{
	static struct fwcfg_dma op __attribute__((aligned(16)));
	volatile struct fwcfg_dma *vop = &op;
	uint64_t at = (uint64_t)&op;

	if (!fwcfg_present())
		return false;
	memset(va, 0, 4);
	op.control = __builtin_bswap32(DMA_READ | DMA_SELECT);
	op.length = __builtin_bswap32(4);
	op.address = __builtin_bswap64(machine_address);
	outl(FWCFG_DMA, __builtin_bswap32((uint32_t)(at >> 32)));
	outl(FWCFG_DMA + 4, __builtin_bswap32((uint32_t)at));
	if (!WAIT_UNTIL(!(vop->control & __builtin_bswap32(~1u)), 1000))
		return false;
	return !memcmp(va, "QEMU", 4);
}
