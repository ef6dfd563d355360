/* SPDX-License-Identifier: GPL-2.0-only */
/* The wall clock at boot, from the CMOS real-time clock. */
#include <acpi.h>
#include <asm.h>
#include <printk.h>
#include <string.h>
#include <timer.h>

/* MC146818 registers. */
#define RTC_SECOND 0x00
#define RTC_MINUTE 0x02
#define RTC_HOUR   0x04
#define RTC_DAY    0x07
#define RTC_MONTH  0x08
#define RTC_YEAR   0x09
#define RTC_A      0x0a
#define RTC_B      0x0b

#define RTC_A_UPDATING BIT(7)
#define RTC_B_24H      BIT(1)
#define RTC_B_BINARY   BIT(2)
#define RTC_HOUR_PM    0x80

struct wallclock time_wallclock;

struct rtc_regs {
	u8 second, minute, hour, day, month, year, century, mode;
};

static u8 cmos_read(u8 reg)
{
	outb(0x70, reg); /* bit 7 clear: NMI stays enabled */
	return inb(0x71);
}

static void regs_read(struct rtc_regs *r)
{
	r->second = cmos_read(RTC_SECOND);
	r->minute = cmos_read(RTC_MINUTE);
	r->hour = cmos_read(RTC_HOUR);
	r->day = cmos_read(RTC_DAY);
	r->month = cmos_read(RTC_MONTH);
	r->year = cmos_read(RTC_YEAR);
	r->century = acpi.rtc_century ? cmos_read(acpi.rtc_century) : 0;
	r->mode = cmos_read(RTC_B);
}

/* Two equal readings outside of an update, which takes 2.2 ms at most. */
static int regs_read_stable(struct rtc_regs *r)
{
	u64 limit = time_now() + 20000000;
	struct rtc_regs again;

	do {
		while (cmos_read(RTC_A) & RTC_A_UPDATING)
			if (time_now() > limit)
				return -EIO;
		regs_read(r);
		regs_read(&again);
		if (!(cmos_read(RTC_A) & RTC_A_UPDATING) && !memcmp(r, &again, sizeof(again)))
			return 0;
	} while (time_now() <= limit);
	return -EIO;
}

static u32 number(const struct rtc_regs *r, u8 v)
{
	return r->mode & RTC_B_BINARY ? v : (v & 15) + (v >> 4) * 10u;
}

/* Days from 1970-01-01 to a date; years begin in March here, so that leap days come last. */
static u64 days_since_1970(u32 year, u32 month, u32 day)
{
	u32 y = month > 2 ? year : year - 1;
	u32 m = month > 2 ? month - 3 : month + 9;

	return 365ULL * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* Seconds since 1970; -EINVAL when the registers hold no date. */
static int rtc_decode(const struct rtc_regs *r, u64 *sec)
{
	u32 hour = number(r, r->hour & 0x7f), month = number(r, r->month);
	u32 day = number(r, r->day), century = number(r, r->century);
	u32 year = number(r, r->year);

	if (!(r->mode & RTC_B_24H)) {
		if (hour < 1 || hour > 12)
			return -EINVAL;
		hour = hour % 12 + (r->hour & RTC_HOUR_PM ? 12 : 0);
	}
	/* Firmware that does not keep the century leaves anything there. */
	if (century < 20 || century > 29)
		century = 20;
	year += century * 100;
	if (number(r, r->second) > 60 || number(r, r->minute) > 59 || hour > 23 || !day ||
	    day > 31 || !month || month > 12 || year % 100 != number(r, r->year))
		return -EINVAL;
	*sec = days_since_1970(year, month, day) * 86400 + hour * 3600 + number(r, r->minute) * 60 +
	       number(r, r->second);
	return 0;
}

void time_wallclock_init(void)
{
	struct rtc_regs r;
	u64 sec;

	if (regs_read_stable(&r) || rtc_decode(&r, &sec))
		pr_warn("time: the real-time clock holds no date, starting in 1970\n");
	else if (wallclock_at_0(sec, 0, time_now(), &time_wallclock))
		pr_info("time: %lu seconds since 1970 by the real-time clock\n", sec);
}
