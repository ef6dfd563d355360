/* SPDX-License-Identifier: GPL-2.0-only */
/* What the boot loader said, in one form for Multiboot 1 and 2 (arch/x86/bootinfo.c). */
#pragma once

#include <domain.h>

#define BOOT_CMDLINE_MAX 1024

struct boot_module {
	paddr_t start;
	u64 size;
	char cmdline[BOOT_CMDLINE_MAX]; /* without the file name */
};

struct boot_info {
	char cmdline[BOOT_CMDLINE_MAX]; /* without the file name */
	u32 module_count;               /* at most 2 are kept: kernel, initrd */
	u32 module_extra;               /* how many more the loader gave */
	struct boot_module module[2];
	u32 e820_count;
	struct e820_entry e820[256]; /* sorted, not overlapping, page-trimmed for RAM */
	u8 rsdp[36];                 /* the loader's copy of the ACPI RSDP */
	u32 rsdp_size;               /* 20 (ACPI 1), 36, or 0: not given */
	bool efi;
	struct boot_framebuffer {
		bool present;
		u64 address;
		u32 pitch, width, height;
		u8 bpp, red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
	} framebuffer;
};
extern struct boot_info boot_info;

/*
 * For a walk over a map from edge to edge: whether [start, end) holds pos. *next comes down to the
 * range's first edge behind pos.
 */
static inline bool range_holds(u64 start, u64 end, u64 pos, u64 *next)
{
	if (pos < start)
		*next = min(*next, start);
	else if (pos < end)
		*next = min(*next, end);
	return pos >= start && pos < end;
}

/* Put [start, end) behind the last entry, or into it if they are alike and touch. False: full. */
static inline bool e820_append(struct e820_entry *map, u32 *count, u32 max, u64 start, u64 end,
                               u32 type)
{
	struct e820_entry *last = *count ? &map[*count - 1] : NULL;

	if (last && last->type == type && last->addr + last->size == start) {
		last->size = end - last->addr;
		return true;
	}
	if (*count == max)
		return false;
	map[(*count)++] = (struct e820_entry){ start, end - start, type };
	return true;
}

/*
 * Fill *out from what the loader left at `info` (magic: EAX at entry). Pure: reads through map()
 * only, which returns NULL for addresses that are not there. Nothing of the loader's block is
 * needed later. 0 or -EINVAL with *why set to the reason.
 */
int bootinfo_parse(u32 magic, paddr_t info, const void *(*map)(paddr_t at, u64 size),
                   struct boot_info *out, const char **why);

/* Command-line words of the hypervisor (setup.c parses them once). */
struct boot_options {
	bool console_com1, console_com2;
	u16 com_port;       /* 0x3f8 unless com1=...; */
	u32 com_baud;       /* 115200; 0 = leave as it is */
	u64 dom0_mem;       /* bytes, 0 = default */
	u32 dom0_max_vcpus; /* 0 = one a CPU */
	u32 maxcpus;        /* 0 = all */
	bool noreboot;
	bool watchdog; /* default on; watchdog=0 turns it off */
	bool bench;    /* print the boot's instruction count */
};
extern struct boot_options boot_options;
extern char
	boot_cmdline_effective[BOOT_CMDLINE_MAX]; /* with dom0_mem= always in it; xen_version 9 */
/* Parse. Unknown words and bad values are kept for boot_options_report(). */
void boot_options_parse(const char *cmdline);
/* Warn of what was not understood; once the console works. Returns how many there were. */
u32 boot_options_report(void);

/*
 * Boot-time memory: top of free RAM below `limit` (0 = any), aligned, never inside the modules or
 * the image; the range is taken out of what is left. boot_fail() when out.
 */
paddr_t boot_alloc(u64 size, u64 align, u64 limit);
