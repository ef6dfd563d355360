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

/* The next piece of *list up to one of the separators, cut out in place; NULL at the end. */
static char *__init next_piece(char **list, const char *separators)
{
	char *piece = *list, *p = piece;

	if (!piece)
		return NULL;
	while (*p && !strchr(separators, *p))
		p++;
	*list = *p ? p + 1 : NULL;
	*p = '\0';
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

/* --- one function for each kind of word; 0, or -EINVAL for a bad value ------------- */

static int __init set_console(char *value, void *to)
{
	bool com1 = false, com2 = false;

	for (char *p; (p = next_piece(&value, ","));) {
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
static int __init set_com(char *value, void *to)
{
	char *baud = next_piece(&value, ","), *frame = next_piece(&value, ",");
	char *io = next_piece(&value, ",");
	struct com *com = to;
	u32 rate = 0, at = com->port;

	if (strcmp(baud, "auto") && (parse_u32(baud, &rate) || !rate || 115200 % rate))
		return -EINVAL;
	if (frame && *frame && strcmp(frame, "8n1"))
		return -EINVAL;
	if (io && (parse_u32(io, &at) || at < 0x100 || at > 0xfff8))
		return -EINVAL;
	if (value)
		return -EINVAL;
	*com = (struct com){ rate, (u16)at };
	return 0;
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
static int __init set_dom0_mem(char *value, void *to)
{
	u64 bytes = 0, ignored;

	for (char *p; (p = next_piece(&value, ","));) {
		bool bound = !strncmp(p, "min:", 4) || !strncmp(p, "max:", 4);

		if (parse_memory(bound ? p + 4 : p, bound ? &ignored : &bytes))
			return -EINVAL;
	}
	*(u64 *)to = bytes;
	return 0;
}

/* A control domain's vCPU belongs to its CPU for good, so Xen's ranges have no meaning. */
static int __init set_dom0_max_vcpus(char *value, void *to)
{
	u32 v;

	if (parse_u32(value, &v) || !v)
		return -EINVAL;
	*(u32 *)to = v;
	return 0;
}

/* Xen and Linux: 0 is no other CPU. */
static int __init set_maxcpus(char *value, void *to)
{
	u32 v;

	if (parse_u32(value, &v))
		return -EINVAL;
	*(u32 *)to = max(v, 1u);
	return 0;
}

/* Xen's LEVEL/LEVEL: the second is for lines that guests cause; here they are limited by rate. */
static int __init set_loglvl(char *value, void *to)
{
	return printk_set_level(next_piece(&value, "/"));
}

static int __init set_bool(char *value, void *to)
{
	static const char *const words[] = { "0", "no", "off", "false", /* and from here on true: */
		                             "",  "1",  "yes", "on",    "true" };

	for (u32 i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(value, words[i])) {
			*(bool *)to = i >= 4;
			return 0;
		}
	}
	return -EINVAL;
}

#define COM_VALUES "BAUD[,8n1[,PORT]], BAUD a divisor of 115200, or auto"

static const struct option {
	const char *name;
	bool bare; /* may stand without "=value" */
	int (*set)(char *value, void *to);
	void *to;
	const char *values; /* what is right */
} options[] = {
	{ "bench", true, set_bool, &boot_options.bench, "nothing, or 0" },
	{ "com1", false, set_com, &coms[0], COM_VALUES },
	{ "com2", false, set_com, &coms[1], COM_VALUES },
	{ "console", false, set_console, NULL, "com1, com2 or none" },
	{ "dom0_max_vcpus", false, set_dom0_max_vcpus, &boot_options.dom0_max_vcpus,
	  "a number from 1 up" },
	{ "dom0_mem", false, set_dom0_mem, &boot_options.dom0_mem, "a size as in 2G or 1536M" },
	{ "loglvl", false, set_loglvl, NULL, "error, warning, info, debug, all or none" },
	{ "maxcpus", false, set_maxcpus, &boot_options.maxcpus, "a number" },
	{ "noreboot", true, set_bool, &boot_options.noreboot, "nothing, or 0" },
	{ "watchdog", true, set_bool, &boot_options.watchdog, "0 or 1" },
};

/* --- the line --------------------------------------------------------------------- */

static void __init take_word(char *word)
{
	char kept[BOOT_CMDLINE_MAX], nothing[] = "";
	char *value = word, *name;

	strlcpy(kept, word, sizeof(kept));
	name = next_piece(&value, "=");
	for (u32 i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];

		if (strcmp(name, o->name))
			continue;
		if ((!value && !o->bare) || o->set(value ? value : nothing, o->to))
			complain("command line: \"%.48s\" is ignored: %s takes %s", kept, o->name,
			         o->values);
		return;
	}
	complain("command line: unknown word \"%.48s\" is ignored: see froe-hypervisor(8)", kept);
}

void __init boot_options_parse(const char *cmdline)
{
	static char copy[BOOT_CMDLINE_MAX] __initdata;
	char *rest = copy;
	bool second;

	boot_options = (struct boot_options){ .console_com1 = true, .watchdog = true };
	coms[0] = (struct com){ 115200, 0x3f8 };
	coms[1] = (struct com){ 115200, 0x2f8 };
	complaints = 0;
	strlcpy(copy, cmdline, sizeof(copy));
	for (char *word; (word = next_piece(&rest, " \t"));)
		if (*word)
			take_word(word);
	second = boot_options.console_com2 && !boot_options.console_com1;
	boot_options.com_port = coms[second].port;
	boot_options.com_baud = coms[second].baud;
}
