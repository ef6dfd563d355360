/* SPDX-License-Identifier: GPL-2.0-only */
/* The interrupt table: handlers that tests set, and the landing place of expected faults. */
#include "guest.h"

struct gate {
	uint16_t offset0, selector;
	uint8_t ist, type;
	uint16_t offset1;
	uint32_t offset2, reserved;
};

static struct gate idt[256];
static irq_handler_t *volatile handlers[256];

extern const char trap_stubs[];
void trap_user_return(void);
void trap_handle(struct frame *f);

static void set_gate(unsigned int vector, uint64_t target, uint8_t type)
{
	idt[vector] = (struct gate){
		.offset0 = target & 0xffff,
		.offset1 = target >> 16 & 0xffff,
		.offset2 = (uint32_t)(target >> 32),
		.selector = SEL_CODE64,
		.type = type,
	};
}

void trap_init(void)
{
	unsigned int i;

	for (i = 0; i < 256; i++)
		set_gate(i, (uint64_t)trap_stubs + 16 * i, 0x8e);
	set_gate(USER_RETURN, (uint64_t)trap_user_return, 0xee);
}

void trap_load(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) ptr = { sizeof(idt) - 1, (uint64_t)idt };

	asm volatile("lidt %0" : : "m"(ptr));
}

void trap_set(unsigned int vector, irq_handler_t *fn)
{
	handlers[vector] = fn;
}

/* Deliver this vector on the stack that slot n (1 to 7) of the CPU's TSS names; 0: as usual. */
void trap_stack(unsigned int vector, unsigned int n)
{
	idt[vector].ist = (uint8_t)n;
}

/* A handler of the test's own, entered as the processor enters it. */
void trap_gate(unsigned int vector, const void *target)
{
	set_gate(vector, (uint64_t)target, 0x8e);
}

static bool expected(struct frame *f)
{
	struct cpu *c = cpu_this();

	if (!c->fixup)
		return false;
	c->fault = (int32_t)f->vector;
	c->fault_error = f->error;
	c->fault_address = read_cr2();
	f->rip = c->fixup;
	c->fixup = 0;
	return true;
}

/*
 * An external interrupt taken while the interrupted code had them closed is a
 * broken hypervisor whatever else happens, so every one is looked at.
 */
void trap_handle(struct frame *f)
{
	struct cpu *c = cpu_this();

	if (f->vector < 32 && f->vector != 2 && expected(f))
		return;
	c->irq_count[f->vector]++;
	if (f->vector >= 32 && !(f->rflags & 0x200))
		c->irq_flags_bad++;
	if (handlers[f->vector]) {
		handlers[f->vector](f);
		return;
	}
	print("cpu %u: unexpected vector %lu, error %#lx, rip %#lx, rsp %#lx, rflags %#lx, cr2 %#lx\n",
	      c->id, f->vector, f->error, f->rip, f->rsp, f->rflags, read_cr2());
	check_fail(__FILE__, __LINE__, "unexpected vector");
	check_verdict();
}
