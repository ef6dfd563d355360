/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The library of the test kernels: a test is one file with test_main(), which
 * checks by EXPECT and returns; the library prints the verdict and powers off.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/errno.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/hvm/start_info.h>

#include "insn.h"
#include "layout.h"

#define PAGE_SIZE    4096ul
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NS_PER_MS    1000000ull
#define NS_PER_S     1000000000ull

/* --- checks: check.c --------------------------------------------------- */

void check_that(bool ok, const char *file, int line, const char *text);
void check_equal(long got, long want, const char *file, int line, const char *text);
void check_fail(const char *file, int line, const char *text);
extern uint32_t check_failed;
bool check_clean(void); /* no check has failed so far */
_Noreturn void check_verdict(void);

#define EXPECT(cond) check_that((cond), __FILE__, __LINE__, #cond)
#define EXPECT_EQ(got, want)                                                                       \
	check_equal((long)(got), (long)(want), __FILE__, __LINE__, #got " == " #want)

/* For what has to come: only a net, since a busy host may let a CPU stand still for seconds. */
#define PATIENCE 300000

/* Wait, at most ms milliseconds, until cond holds: true if it came to hold. */
#define WAIT_UNTIL(cond, ms)                                                                       \
	({                                                                                         \
		uint64_t until_ = time_now() + (ms)*NS_PER_MS;                                     \
		bool ok_;                                                                          \
		while (!(ok_ = (cond)) && time_now() < until_)                                     \
			cpu_relax();                                                               \
		ok_;                                                                               \
	})

/* --- console: console.c ------------------------------------------------ */

void console_putc(char c);
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void vprint(const char *fmt, va_list ap);

void *memset(void *dst, int c, size_t n);
void *memcpy(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
const char *string_has(const char *s, const char *part); /* where, or NULL */

/* --- CPUs: cpu.c ------------------------------------------------------- */

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, iomap;
} __attribute__((packed));

struct cpu {
	struct cpu *self;    /* %gs:0 */
	uint64_t fixup;      /* %gs:8, see TRY */
	int32_t fault, pad0; /* %gs:16 */
	uint64_t stack;
	uint64_t ustack;
	uint64_t kstack;
	struct tss tss;
	uint64_t fault_error, fault_address;
	uint32_t id, apic_id;
	bool up;
	void (*volatile work)(void *arg);
	void *work_arg;
	volatile uint32_t irq_count[256];
	volatile uint32_t irq_flags_bad; /* maskable interrupts taken with IF clear */
};

_Static_assert(offsetof(struct cpu, fixup) == CPU_FIXUP, "layout.h");
_Static_assert(offsetof(struct cpu, fault) == CPU_FAULT, "layout.h");
_Static_assert(offsetof(struct cpu, stack) == CPU_STACK, "layout.h");
_Static_assert(offsetof(struct cpu, ustack) == CPU_USTACK, "layout.h");
_Static_assert(offsetof(struct cpu, kstack) == CPU_KSTACK, "layout.h");
_Static_assert(offsetof(struct cpu, tss.rsp) == CPU_TSS_RSP0, "layout.h");

extern struct cpu cpus[CPU_MAX];
extern unsigned int cpu_count;

static inline struct cpu *cpu_this(void)
{
	struct cpu *c;

	asm volatile("mov %%gs:0, %0" : "=r"(c));
	return c;
}

void cpu_init(struct cpu *c);
bool cpu_start(unsigned int id);
void cpu_run(unsigned int id, void (*fn)(void *), void *arg);
bool cpu_done(unsigned int id);
bool cpu_wait(unsigned int id, unsigned int ms);

/* --- traps: trap.c ----------------------------------------------------- */

struct frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

typedef void irq_handler_t(struct frame *f);

void trap_init(void);
void trap_load(void);
void trap_set(unsigned int vector, irq_handler_t *fn);
void trap_gate(unsigned int vector, const void *target);
void trap_stack(unsigned int vector, unsigned int n);
long trap_user_call(long (*fn)(long), long arg);

/* --- pages: page.c ----------------------------------------------------- */

#define PG_P      1ul
#define PG_RW     2ul
#define PG_US     4ul
#define PG_NX     (1ul << 63)
#define PG_KERNEL (PG_P | PG_RW)
#define PG_USER   (PG_P | PG_RW | PG_US)

/* Addresses here are nobody's until page_map() gives them a frame. */
#define PAGE_WINDOW 0xffff900000000000ul

void *page_alloc(void);
void page_map(void *va, uint64_t pa, uint64_t flags);
void page_unmap(void *va);
void *page_window(unsigned int n);

/* --- local APIC: apic.c ------------------------------------------------ */

/* Registers by their x2APIC number: MSR 0x800 + n (APM2 16.3.2, 16.11). */
enum apic_reg {
	APIC_ID = 0x02,
	APIC_VERSION = 0x03,
	APIC_TPR = 0x08,
	APIC_PPR = 0x0a,
	APIC_EOI = 0x0b,
	APIC_LDR = 0x0d,
	APIC_SPIV = 0x0f,
	APIC_ISR = 0x10,
	APIC_TMR = 0x18,
	APIC_IRR = 0x20,
	APIC_ESR = 0x28,
	APIC_ICR = 0x30,
	APIC_LVT_TIMER = 0x32,
	APIC_LVT_THERMAL = 0x33,
	APIC_LVT_PERF = 0x34,
	APIC_LVT_LINT0 = 0x35,
	APIC_LVT_LINT1 = 0x36,
	APIC_LVT_ERROR = 0x37,
	APIC_TIMER_INIT = 0x38,
	APIC_TIMER_COUNT = 0x39,
	APIC_TIMER_DIV = 0x3e,
	APIC_SELF_IPI = 0x3f,
};

#define ICR_NMI     (4u << 8)
#define ICR_INIT    (5u << 8)
#define ICR_STARTUP (6u << 8)
#define ICR_ASSERT  (1u << 14)
#define ICR_LEVEL   (1u << 15)
#define ICR_SELF    (1u << 18)
#define ICR_ALL     (2u << 18)
#define ICR_OTHERS  (3u << 18)

extern bool apic_x2;

void apic_init(void);
uint64_t apic_read(enum apic_reg reg);
void apic_write(enum apic_reg reg, uint64_t val);
void apic_send(uint32_t apic_id, uint32_t command);
void apic_self(unsigned int vector);
bool apic_bit(enum apic_reg base, unsigned int vector);

/* --- ACPI: acpi.c ------------------------------------------------------ */

struct acpi_table {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

extern struct hvm_start_info *start_info;

const struct acpi_table *acpi_find(const char *signature);
bool acpi_checksum(const void *p, size_t n);
unsigned int acpi_cpus(uint32_t *apic_ids, unsigned int max);

/* --- PCI: pci.c -------------------------------------------------------- */

uint32_t pci_read(uint32_t slot, uint32_t reg);
void pci_write(uint32_t slot, uint32_t reg, uint32_t val);
/* Memory BAR 0 of the device in this slot of bus 0, switched on; 0: none such. */
uint64_t pci_bar(uint32_t slot, uint32_t id);

/* --- DMA: fwcfg.c ------------------------------------------------------ */

/* Does a device that writes to this machine address reach what the CPU sees at va? */
bool fwcfg_dma_reaches(void *va, uint64_t machine_address);

/* --- time: time.c ------------------------------------------------------ */

uint64_t time_now(void);
uint64_t time_read(const volatile struct vcpu_time_info *t);
uint64_t time_tsc_to_ns(const volatile struct vcpu_time_info *t, uint64_t tsc);

/* --- the hypervisor: xen.c --------------------------------------------- */

extern uint32_t xen_base; /* first CPUID leaf, 0 without a hypervisor */
extern struct shared_info *xen_shared;
extern volatile uint32_t xen_port_count[4096];

enum hcall_way {
	HCALL_VMMCALL,
	HCALL_VMCALL,
	HCALL_PAGE
};

void xen_init(void);
void xen_map_shared(void);
void xen_events_on(void);
void xen_use_vcpu_info(unsigned int cpu, struct vcpu_info *vi);
volatile struct vcpu_info *xen_vcpu_info(unsigned int cpu);
bool xen_pending(evtchn_port_t port);
void xen_clear(evtchn_port_t port);
void xen_mask(evtchn_port_t port, bool on);
_Noreturn void xen_shutdown(unsigned int reason);
_Noreturn void guest_power_off(void);
void *hcall_page(void);

static inline long hcall(unsigned long nr, unsigned long a1, unsigned long a2, unsigned long a3,
                         unsigned long a4, unsigned long a5)
{
	register unsigned long r10 asm("r10") = a4;
	register unsigned long r8 asm("r8") = a5;

	asm volatile("vmmcall"
	             : "+a"(nr), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
	             :
	             : "memory");
	return (long)nr;
}

long hcall_by(enum hcall_way way, unsigned long nr, unsigned long a1, unsigned long a2,
              unsigned long a3);

#define hcall1(nr, a)    hcall(nr, (unsigned long)(a), 0, 0, 0, 0)
#define hcall2(nr, a, b) hcall(nr, (unsigned long)(a), (unsigned long)(b), 0, 0, 0)
#define hcall3(nr, a, b, c)                                                                        \
	hcall(nr, (unsigned long)(a), (unsigned long)(b), (unsigned long)(c), 0, 0)

#define xen_version(op, p)   hcall2(__HYPERVISOR_xen_version, op, p)
#define xen_memory(op, p)    hcall2(__HYPERVISOR_memory_op, op, p)
#define xen_event(op, p)     hcall2(__HYPERVISOR_event_channel_op, op, p)
#define xen_grant(op, p, n)  hcall3(__HYPERVISOR_grant_table_op, op, p, n)
#define xen_sched(op, p)     hcall2(__HYPERVISOR_sched_op, op, p)
#define xen_vcpu(op, cpu, p) hcall3(__HYPERVISOR_vcpu_op, op, cpu, p)
#define xen_hvm(op, p)       hcall2(__HYPERVISOR_hvm_op, op, p)
#define xen_physdev(op, p)   hcall2(__HYPERVISOR_physdev_op, op, p)
#define xen_platform(p)      hcall1(__HYPERVISOR_platform_op, p)

long xen_alloc_unbound(domid_t dom, domid_t remote, evtchn_port_t *port);
long xen_bind_interdomain(domid_t remote, evtchn_port_t rport, evtchn_port_t *port);
long xen_bind_virq(unsigned int virq, unsigned int cpu, evtchn_port_t *port);
long xen_bind_ipi(unsigned int cpu, evtchn_port_t *port);
long xen_bind_vcpu(evtchn_port_t port, unsigned int cpu);
long xen_close(evtchn_port_t port);
long xen_send(evtchn_port_t port);
long xen_unmask(evtchn_port_t port);
long xen_status(evtchn_port_t port, struct evtchn_status *st);
long xen_add_to_physmap(unsigned int space, uint64_t idx, uint64_t gpfn);
long xen_remove_from_physmap(uint64_t gpfn);
long xen_get_param(unsigned int index, uint64_t *value);
long xen_set_param(unsigned int index, uint64_t value);

/* --- the test ---------------------------------------------------------- */

void test_main(void);
/* The number behind `name` (with its =) on the command line, or otherwise. */
uint64_t guest_option(const char *name, uint64_t otherwise);

#endif
