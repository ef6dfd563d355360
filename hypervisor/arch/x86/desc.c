/* SPDX-License-Identifier: GPL-2.0-only */
/* Segment and interrupt descriptor tables: one IDT for all, a GDT and a TSS for each CPU
 * (APM2 4.8). */
#include <cpu.h>
#include <hostmap.h>
#include <page.h>
#include <printk.h>
#include <regs.h>

struct gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, reserved;
} __packed;
static_assert(sizeof(struct gate) == 16, "APM2 4.8.4");

#define GATE_INTERRUPT 0x8e /* present, DPL 0: interrupts off inside */

struct tss {
	u32 reserved0;
	u64 rsp[3], reserved1;
	u64 ist[7]; /* [0] is IST 1 */
	u64 reserved2;
	u16 reserved3, iomap;
} __packed;
static_assert(sizeof(struct tss) == 104, "APM2 12.2.5");

#define GDT_CODE64 0x00af9b000000ffffULL
#define GDT_DATA   0x00cf93000000ffffULL
#define GDT_TSS    0x0000890000000000ULL

struct tables {
	u64 gdt[5];
	struct tss tss;
};

struct table_register {
	u16 limit;
	u64 base;
} __packed;

extern const char entry_stubs[];
#define STUB_SIZE 16

static struct gate idt[256] __aligned(16);
struct cpu boot_cpu;

static void load_idt(void)
{
	struct table_register r = { sizeof(idt) - 1, (u64)idt };

	__asm__ volatile("lidt %0" ::"m"(r));
}

static void load_gdt(const u64 *gdt, u32 entries)
{
	struct table_register r = { entries * 8 - 1, (u64)gdt };

	/* A far return is what reloads CS in 64-bit mode. */
	__asm__ volatile("lgdt %0\n\t"
	                 "pushq %1\n\t"
	                 "leaq 1f(%%rip),%%rax\n\t"
	                 "pushq %%rax\n\t"
	                 "lretq\n"
	                 "1:\tmovl %2,%%ds\n\t"
	                 "movl %2,%%es\n\t"
	                 "movl %2,%%ss\n\t"
	                 "movl %3,%%fs\n\t"
	                 "movl %3,%%gs" ::"m"(r),
	                 "i"(SEL_CODE64), "r"(SEL_DATA), "r"(0)
	                 : "rax", "memory");
}

void __init desc_early_init(void)
{
	static const u64 gdt[] = { 0, GDT_CODE64, GDT_DATA };

	for (u32 v = 0; v < 256; v++) {
		u64 stub = (u64)entry_stubs + v * STUB_SIZE;

		idt[v] = (struct gate){
			.offset_low = (u16)stub,
			.offset_mid = (u16)(stub >> 16),
			.offset_high = (u32)(stub >> 32),
			.selector = SEL_CODE64,
			.type = GATE_INTERRUPT,
		};
	}
	load_gdt(gdt, ARRAY_SIZE(gdt));
	boot_cpu.self = &boot_cpu;
	wrmsr(MSR_GS_BASE, (u64)&boot_cpu);
	load_idt();
}

/*
 * Until the boot CPU has a TSS, its gates use the current stack. Other CPUs load the IDT after
 * their TSS, so it does not matter which of them reads the final gates.
 */
void __init desc_init_cpu(struct cpu *c)
{
	struct tables *t = heap_alloc(sizeof(*t));
	u64 tss;

	if (!t)
		boot_fail("out of memory for the descriptor tables of CPU %u", c->id);
	tss = (u64)&t->tss;
	t->tss.ist[IST_DF - 1] = hostmap_ist_top(c, IST_DF);
	t->tss.ist[IST_NMI - 1] = hostmap_ist_top(c, IST_NMI);
	t->tss.ist[IST_MC - 1] = hostmap_ist_top(c, IST_MC);
	t->tss.iomap = sizeof(t->tss);
	t->gdt[SEL_CODE64 / 8] = GDT_CODE64;
	t->gdt[SEL_DATA / 8] = GDT_DATA;
	t->gdt[SEL_TSS / 8] = GDT_TSS | (sizeof(t->tss) - 1) | (tss & 0xffffff) << 16 |
	                      (tss >> 24 & 0xff) << 56;
	t->gdt[SEL_TSS / 8 + 1] = tss >> 32;
	load_gdt(t->gdt, ARRAY_SIZE(t->gdt));
	wrmsr(MSR_GS_BASE, (u64)c);
	__asm__ volatile("ltr %w0" ::"r"(SEL_TSS));
	idt[8].ist = IST_DF;
	idt[2].ist = IST_NMI;
	idt[18].ist = IST_MC;
	load_idt();
}
