/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ports: the control domain has them all but a few, guests have none.
 *
 * A port that is not there reads all-ones, but the PIT's read 0, so that Linux gives its
 * calibration up at once instead of spinning on them. Writes go nowhere.
 */
#include <acpi.h>
#include <console.h>
#include <domain.h>
#include <page.h>
#include <printk.h>
#include <string.h>
#include <virt.h>

#define IOPM_FRAMES_ORDER 2              /* 12 KiB, rounded up to 4 frames (APM2 15.10.1) */
#define PM1_SLP_TYP(b)    ((b) >> 2 & 7) /* in the register's high byte (ACPI 6.4 4.8.3.2.1) */
#define PM1_WAK_STS       BIT(7) /* in the status register's high byte (ACPI 6.4 4.8.3.1.1) */
#define PM1_SLP_EN        BIT(5)

/* Withheld from the control domain. Not 0xcf9: its bit would catch every 32-bit write to 0xcf8. */
static const struct {
	u16 first, last;
} withheld[] = {
	{ 0x20, 0x21 },   /* PIC: masked for good, interrupts go through the IO-APIC */
	{ 0xa0, 0xa1 },   /* second PIC */
	{ 0x4d0, 0x4d1 }, /* ELCR: edge or level of PIC lines */
	{ 0x40, 0x43 },   /* PIT: nobody ticks by it */
};

static bool is_uart(u16 port)
{
	return uart_port && (u16)(port - uart_port) < 8;
}

static bool port_hidden(const struct domain *d, u16 port)
{
	if (!d->control)
		return true;
	for (u32 i = 0; i < ARRAY_SIZE(withheld); i++)
		if (port >= withheld[i].first && port <= withheld[i].last)
			return true;
	return is_uart(port);
}

/* A byte of a hidden port; 0x61 has the gate and the output of the PIT's channel 2. */
static u8 hidden_reads(u16 port)
{
	return (port >= 0x40 && port <= 0x43) || port == 0x61 ? 0 : 0xff;
}

static void intercept(u8 *map, u32 port)
{
	map[port / 8] |= (u8)(1u << port % 8);
}

/* The control domain has every port but these. */
static void open_ports(u8 *map)
{
	memset(map, 0, 0x10000 / 8);
	for (u32 i = 0; i < ARRAY_SIZE(withheld); i++)
		for (u32 port = withheld[i].first; port <= withheld[i].last; port++)
			intercept(map, port);
	for (u32 i = 0; uart_port && i < 8; i++)
		intercept(map, uart_port + i);
	/* The sleep bits are in the second byte, but writes start at the first. */
	for (u32 i = 0; i < 2; i++) {
		if (acpi.pm1a_cnt)
			intercept(map, acpi.pm1a_cnt + i);
		if (acpi.pm1b_cnt)
			intercept(map, acpi.pm1b_cnt + i);
		if (acpi.pm1a_evt)
			intercept(map, acpi.pm1a_evt + i);
	}
}

/* Guests share a map without a single port; it is made together with the control domain's. */
int domain_io_init(struct domain *d)
{
	static void *closed;
	mfn_t m;

	if (!d->control) {
		d->iopm = closed;
		return 0;
	}
	m = page_alloc(IOPM_FRAMES_ORDER + 1);
	if (!mfn_valid_box(m))
		return -ENOMEM;
	d->iopm = mfn_to_virt(m);
	closed = (u8 *)d->iopm + 4 * PAGE_SIZE;
	memset(d->iopm, 0xff, 8 * PAGE_SIZE);
	open_ports(d->iopm);
	return 0;
}

static u32 port_in(u16 port, u32 bytes)
{
	return bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
}

static void port_out(u16 port, u32 bytes, u32 val)
{
	if (bytes == 1)
		outb(port, (u8)val);
	else if (bytes == 2)
		outw(port, (u16)val);
	else
		outl(port, val);
}

/* An access that touches a hidden port is hidden as a whole. */
static bool hidden(const struct domain *d, u16 port, u32 bytes, u32 *reads)
{
	bool any = false;

	*reads = 0;
	for (u32 i = 0; i < bytes; i++) {
		any |= port_hidden(d, (u16)(port + i));
		*reads |= (u32)hidden_reads((u16)(port + i)) << (8 * i);
	}
	return any;
}

/* The byte of an access of `bytes` at `port` that is the one at `at`: its place, or false. */
static bool covers(u16 port, u32 bytes, u32 at, u32 *shift)
{
	u32 offset = at - port;

	*shift = offset * 8;
	return offset < bytes;
}

u32 vcpu_io_read(struct vcpu *v, u16 port, u32 bytes)
{
	u32 val, shift;

	if (hidden(v->domain, port, bytes, &val))
		return val;
	val = port_in(port, bytes);
	if (v->domain->wake_status && covers(port, bytes, acpi.pm1a_evt + 1u, &shift))
		val |= (u32)PM1_WAK_STS << shift;
	return val;
}

/*
 * A write that sets the sleep bit: power-off is done here, after the other domains have ended;
 * sleep states are refused, for the machine would lose the hypervisor's state.
 */
static bool pm1_write(u16 pm1, u16 port, u32 bytes, u32 val)
{
	u32 shift;
	u8 high;

	if (!pm1 || !covers(port, bytes, pm1 + 1u, &shift))
		return false;
	high = (u8)(val >> shift);
	if (!(high & PM1_SLP_EN))
		return false;
	if (acpi.s5_known && PM1_SLP_TYP(high) == acpi.s5_typ_a) {
		domain_shutdown(control_domain, SHUTDOWN_poweroff);
		return true;
	}
	pr_warn("the control domain asked for sleep type %lu: refused, only power-off is known here\n",
	        (unsigned long)PM1_SLP_TYP(high));
	control_domain->wake_status = true;
	return true;
}

void vcpu_io_write(struct vcpu *v, u16 port, u32 bytes, u32 val)
{
	u32 reads, shift;

	if (hidden(v->domain, port, bytes, &reads))
		return;
	if (acpi.pm1a_evt && covers(port, bytes, acpi.pm1a_evt + 1u, &shift) &&
	    (val >> shift & PM1_WAK_STS))
		v->domain->wake_status = false; /* written 1 to clear, as all its bits */
	if (pm1_write(acpi.pm1a_cnt, port, bytes, val) ||
	    pm1_write(acpi.pm1b_cnt, port, bytes, val))
		return;
	port_out(port, bytes, val);
}
