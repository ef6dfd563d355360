/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of the hypervisor's command line. They follow Xen's where Xen has one. */
#include <bootinfo.h>
#include <printk.h>
#include <string.h>

#define COMPLAINTS_MAX  8
#define COMPLAINT_BYTES 160

struct boot_options boot_options;

/* COM1 and COM2 as the line wants them; the console's goes into boot_options. */
static struct com {
	u32 baud;
	u16 port;
} coms[2] __initdata;

/* The console does not work yet while words are read, so what is wrong with them waits here. */
static char complaint[COMPLAINTS_MAX][COMPLAINT_BYTES] __initdata;
static u32 complaints __initdata;

static void __init __printf(1, 2) complain(const char *fmt, ...)
{
	va_list ap;

	if (complaints < COMPLAINTS_MAX) {
		va_start(ap, fmt);
		vsnprintf(complaint[complaints], COMPLAINT_BYTES, fmt, ap);
		va_end(ap);
	}
	complaints++;
}

u32 __init boot_options_report(void)
{
	for (u32 i = 0; i < min(complaints, (u32)COMPLAINTS_MAX); i++)
		pr_warn("%s\n", complaint[i]);
	if (complaints > COMPLAINTS_MAX)
		pr_warn("command line: and %u more words that were not understood\n",
		        complaints - COMPLAINTS_MAX);
	return complaints;
}

/* The next piece of *list up to a comma, cut out in place; NULL at the end. */
static char *__init next_piece(char **list)
{
	char *piece = *list, *comma;

	if (!piece)
		return NULL;
	comma = strchr(piece, ',');
	if (comma)
		*comma++ = '\0';
	*list = comma;
	return piece;
}

static int __init parse_u32(const char *s, u32 *out)
{
	const char *end;
	u64 v = parse_size(s, &end);

	/* A size's suffix is no part of a number. */
	if (end == s || *end || v > 0xffffffff || strchr("KMGTkmgt", end[-1]))
		return -EINVAL;
	*out = (u32)v;
	return 0;
}

/* --- one function for each word; 0, or -EINVAL for a bad value ------------------- */

static int __init set_console(char *value)
{
	bool com1 = false, com2 = false;

	for (char *p = next_piece(&value); p; p = next_piece(&value)) {
		if (!strcmp(p, "com1"))
			com1 = true;
		else if (!strcmp(p, "com2"))
			com2 = true;
		else if (!strcmp(p, "vga"))
			complain("command line: console=vga: the hypervisor writes to serial ports "
			         "only");
		else if (strcmp(p, "none"))
			return -EINVAL;
	}
	boot_options.console_com1 = com1;
	boot_options.console_com2 = com2;
	return 0;
}

/* BAUD[,8n1[,PORT]]; "auto" leaves the rate as it is. */
static int __init set_com(char *value, struct com *com)
{
	char *baud = next_piece(&value), *frame = next_piece(&value), *io = next_piece(&value);
	u32 rate = 0, at = com->port;

	if (strcmp(baud, "auto") && (parse_u32(baud, &rate) || !rate || 115200 % rate))
		return -EINVAL;
	if (frame && *frame && strcmp(frame, "8n1"))
		return -EINVAL;
	if (io && (parse_u32(io, &at) || at < 0x100 || at > 0xfff8))
		return -EINVAL;
	if (value)
		return -EINVAL;
	com->baud = rate;
	com->port = (u16)at;
	return 0;
}

static int __init set_com1(char *value)
{
	return set_com(value, &coms[0]);
}

static int __init set_com2(char *value)
{
	return set_com(value, &coms[1]);
}

/* Xen's sizes are KiB without a suffix, and B means bytes. */
static int __init parse_memory(const char *s, u64 *out)
{
	const char *end;
	u64 v = parse_size(s, &end);

	if (end == s)
		return -EINVAL;
	if ((*end == 'B' || *end == 'b') && !end[1])
		end++;
	else if (end[-1] >= '0' && end[-1] <= '9')
		v = v > ~0ULL / KIB ? ~0ULL : v * KIB;
	if (*end || !v)
		return -EINVAL;
	*out = v;
	return 0;
}

/* SIZE, and Xen's min:SIZE and max:SIZE, which mean nothing for RAM that never changes. */
static int __init set_dom0_mem(char *value)
{
	u64 bytes = 0, ignored;

	for (char *p = next_piece(&value); p; p = next_piece(&value)) {
		bool bound = !strncmp(p, "min:", 4) || !strncmp(p, "max:", 4);

		if (parse_memory(bound ? p + 4 : p, bound ? &ignored : &bytes))
			return -EINVAL;
	}
	boot_options.dom0_mem = bytes;
	return 0;
}

static int __init set_dom0_max_vcpus(char *value)
{
	u32 v;

	/* A control domain's vCPU belongs to its CPU for good, so Xen's ranges have no meaning. */
	if (parse_u32(value, &v) || !v)
		return -EINVAL;
	boot_options.dom0_max_vcpus = v;
	return 0;
}

static int __init set_maxcpus(char *value)
{
	u32 v;

	if (parse_u32(value, &v))
		return -EINVAL;
	boot_options.maxcpus = v ? v : 1; /* Xen and Linux: 0 is no other CPU */
	return 0;
}

/* Xen's LEVEL/LEVEL: the second is that of lines that guests cause; here they are limited by rate.
 */
static int __init set_loglvl(char *value)
{
	char *slash = strchr(value, '/');

	if (slash)
		*slash = '\0';
	return printk_set_level(value);
}

static int __init parse_bool(const char *value, bool *out)
{
	static const char *const no[] = { "0", "no", "off", "false" };
	static const char *const yes[] = { "", "1", "yes", "on", "true" };

	for (u32 i = 0; i < ARRAY_SIZE(no); i++) {
		if (!strcmp(value, no[i])) {
			*out = false;
			return 0;
		}
	}
	for (u32 i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcmp(value, yes[i])) {
			*out = true;
			return 0;
		}
	}
	return -EINVAL;
}

static int __init set_noreboot(char *value)
{
	return parse_bool(value, &boot_options.noreboot);
}

static int __init set_watchdog(char *value)
{
	return parse_bool(value, &boot_options.watchdog);
}

static int __init set_bench(char *value)
{
	return parse_bool(value, &boot_options.bench);
}

static const struct option {
	const char *name;
	bool bare; /* may stand without "=value" */
	int (*set)(char *value);
	const char *values; /* what is right */
} options[] = {
	{ "bench", true, set_bench, "nothing, or 0" },
	{ "com1", false, set_com1, "BAUD[,8n1[,PORT]], BAUD a divisor of 115200, or auto" },
	{ "com2", false, set_com2, "BAUD[,8n1[,PORT]], BAUD a divisor of 115200, or auto" },
	{ "console", false, set_console, "com1, com2 or none" },
	{ "dom0_max_vcpus", false, set_dom0_max_vcpus, "a number from 1 up" },
	{ "dom0_mem", false, set_dom0_mem, "a size as in 2G or 1536M" },
	{ "loglvl", false, set_loglvl, "error, warning, info, debug, all or none" },
	{ "maxcpus", false, set_maxcpus, "a number" },
	{ "noreboot", true, set_noreboot, "nothing, or 0" },
	{ "watchdog", true, set_watchdog, "0 or 1" },
};

/* --- the line --------------------------------------------------------------------- */

static void __init take_word(char *word)
{
	char kept[BOOT_CMDLINE_MAX];
	char *value = strchr(word, '=');

	strlcpy(kept, word, sizeof(kept));
	if (value)
		*value++ = '\0';
	for (u32 i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];
		char nothing[] = "";

		if (strcmp(word, o->name))
			continue;
		if ((!value && !o->bare) || o->set(value ? value : nothing))
			complain("command line: \"%.48s\" is ignored: %s takes %s", kept, o->name,
			         o->values);
		return;
	}
	complain("command line: unknown word \"%.48s\" is ignored: see froe-hypervisor(8)", kept);
}

void __init boot_options_parse(const char *cmdline)
{
	static char copy[BOOT_CMDLINE_MAX] __initdata;
	char *p = copy;
	bool second;

	boot_options = (struct boot_options){
		.console_com1 = true,
		.watchdog = true,
	};
	coms[0] = (struct com){ 115200, 0x3f8 };
	coms[1] = (struct com){ 115200, 0x2f8 };
	complaints = 0;
	strlcpy(copy, cmdline, sizeof(copy));
	while (*p) {
		char *word = p;

		while (*p && *p != ' ' && *p != '\t')
			p++;
		if (*p)
			*p++ = '\0';
		if (*word)
			take_word(word);
	}
	second = boot_options.console_com2 && !boot_options.console_com1;
	boot_options.com_port = coms[second].port;
	boot_options.com_baud = coms[second].baud;
}
