/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypervisor's command line: each word does what it says, and what is not understood is named.
 * files: hypervisor/arch/x86/options.c hypervisor/core/string.c hypervisor/core/format.c
 */
#include <stdio.h>
#include <bootinfo.h>
#include <printk.h>
#include <string.h>
#include "harness.h"

static char level[32];

int printk_set_level(const char *word)
{
	strlcpy(level, word, sizeof(level));
	return strcmp(word, "info") && strcmp(word, "all") ? -EINVAL : 0;
}

/* Parse and return how many words were not understood. */
static u32 parse(const char *line)
{
	unit_log_clear();
	level[0] = '\0';
	boot_options_parse(line);
	return boot_options_report();
}

static void test_defaults(void)
{
	CHECK_EQ(parse(""), 0);
	CHECK_EQ(parse("  \t "), 0);
	CHECK(boot_options.console_com1 && !boot_options.console_com2);
	CHECK_EQ(boot_options.com_port, 0x3f8);
	CHECK_EQ(boot_options.com_baud, 115200);
	CHECK(boot_options.watchdog && !boot_options.noreboot && !boot_options.bench);
	CHECK_EQ(boot_options.dom0_mem, 0);
	CHECK_EQ(boot_options.dom0_max_vcpus, 0);
	CHECK_EQ(boot_options.maxcpus, 0);
}

static void test_words(void)
{
	CHECK_EQ(parse("console=com1 com1=9600 dom0_mem=1536M dom0_max_vcpus=2 maxcpus=3 "
	               "loglvl=all noreboot watchdog=0 bench"),
	         0);
	CHECK_EQ(boot_options.com_baud, 9600);
	CHECK_EQ(boot_options.dom0_mem, 1536 * MIB);
	CHECK_EQ(boot_options.dom0_max_vcpus, 2);
	CHECK_EQ(boot_options.maxcpus, 3);
	CHECK(!strcmp(level, "all"));
	CHECK(boot_options.noreboot && boot_options.bench && !boot_options.watchdog);
	CHECK_EQ(parse("console=none"), 0);
	CHECK(!boot_options.console_com1 && !boot_options.console_com2);
	CHECK_EQ(parse("maxcpus=0"), 0);
	CHECK_EQ(boot_options.maxcpus, 1);
	CHECK_EQ(parse("noreboot=0"), 0);
	CHECK(!boot_options.noreboot);
	CHECK_EQ(parse("loglvl=info/all"), 0);
	CHECK(!strcmp(level, "info"));
}

static void test_serial(void)
{
	CHECK_EQ(parse("com1=115200,8n1,0x2f8"), 0);
	CHECK_EQ(boot_options.com_port, 0x2f8);
	CHECK_EQ(parse("com1=auto"), 0);
	CHECK_EQ(boot_options.com_baud, 0);
	CHECK_EQ(parse("console=com2"), 0);
	CHECK_EQ(boot_options.com_port, 0x2f8);
	CHECK(!boot_options.console_com1 && boot_options.console_com2);
	CHECK_EQ(parse("com2=38400 console=com2"), 0);
	CHECK_EQ(boot_options.com_port, 0x2f8);
	CHECK_EQ(boot_options.com_baud, 38400);
	/* The rate of a port that is not the console says nothing about the one that is. */
	CHECK_EQ(parse("com2=38400 com1=57600 console=com1"), 0);
	CHECK_EQ(boot_options.com_port, 0x3f8);
	CHECK_EQ(boot_options.com_baud, 57600);
	CHECK_EQ(parse("com1=57600 com2=38400 console=com1"), 0);
	CHECK_EQ(boot_options.com_port, 0x3f8);
	CHECK_EQ(boot_options.com_baud, 57600);
}

static void test_memory(void)
{
	static const struct {
		const char *line;
		u64 bytes;
	} good[] = {
		{ "dom0_mem=2G", 2 * GIB },          { "dom0_mem=2g", 2 * GIB },
		{ "dom0_mem=1048576", 1 * GIB }, /* KiB, as Xen has it */
		{ "dom0_mem=1073741824B", 1 * GIB }, { "dom0_mem=1G,max:2G", 1 * GIB },
		{ "dom0_mem=min:512M,max:2G", 0 },   { "dom0_mem=min:512M,768M", 768 * MIB },
	};

	for (u32 i = 0; i < ARRAY_SIZE(good); i++) {
		CHECK_EQ(parse(good[i].line), 0);
		CHECK_EQ(boot_options.dom0_mem, good[i].bytes);
	}
}

/* Each is named, with what would be right; and none of them leaves a half-taken value. */
static void test_complaints(void)
{
	static const struct {
		const char *line, *text;
	} bad[] = {
		{ "foo", "unknown word \"foo\"" },
		{ "console=com1 consol=com1", "unknown word \"consol=com1\"" },
		{ "console=com3", "\"console=com3\" is ignored: console takes com1" },
		{ "console=vga", "serial ports" },
		{ "console", "console takes com1" },
		{ "com1=115201", "BAUD a divisor" },
		{ "com1=0", "BAUD a divisor" },
		{ "com1=9600,7e1", "com1=9600,7e1" },
		{ "com1=9600,8n1,0x10", "com1 takes" },
		{ "dom0_mem=lots", "dom0_mem takes a size" },
		{ "dom0_mem=0", "dom0_mem takes a size" },
		{ "dom0_mem=1X", "dom0_mem takes a size" },
		{ "dom0_mem=", "dom0_mem takes a size" },
		{ "dom0_max_vcpus=0", "dom0_max_vcpus takes a number" },
		{ "dom0_max_vcpus=1K", "dom0_max_vcpus takes a number" },
		{ "maxcpus=many", "maxcpus takes a number" },
		{ "loglvl=loud", "loglvl takes error" },
		{ "watchdog=maybe", "watchdog takes 0 or 1" },
		{ "noreboot=perhaps", "noreboot takes nothing" },
	};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		if (!CHECK_EQ(parse(bad[i].line), 1) || !CHECK(unit_log_has(bad[i].text)))
			printf("  line: %s\n", bad[i].line);
		CHECK_EQ(boot_options.com_port, 0x3f8);
		CHECK_EQ(boot_options.com_baud, 115200);
		CHECK_EQ(boot_options.dom0_mem, 0);
	}
	CHECK(boot_options.console_com1);
	CHECK_EQ(parse("a b c d e f g h i j k"), 11);
	CHECK(unit_log_has("and 3 more"));
}

/* Any line at all: no crash, and as many complaints as words at most. */
static void test_noise(void)
{
	static const char letters[] = "console=com1,2 dom0_mem:maxG8n/\"\\%s\t-0x9";
	char line[BOOT_CMDLINE_MAX];

	for (u32 i = 0; i < 5000; i++) {
		u64 n = unit_below(sizeof(line));

		for (u64 k = 0; k < n; k++)
			line[k] = letters[unit_below(sizeof(letters) - 1)];
		line[n] = '\0';
		CHECK(parse(line) <= 512);
	}
}

void unit_main(void)
{
	test_defaults();
	test_words();
	test_serial();
	test_memory();
	test_complaints();
	test_noise();
}
