/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All verbs of froe, and the usage that is made of their entries.
 */
#include <stdio.h>
#include <string.h>
#include "cmd.h"

extern const struct cmd cmd_console, cmd_create, cmd_destroy, cmd_dmesg, cmd_domid, cmd_domname,
	cmd_help, cmd_info, cmd_kernel_unpack, cmd_list, cmd_pause, cmd_reboot, cmd_restart_guest,
	cmd_shutdown, cmd_unpause, cmd_vcpu_list, cmd_vm_list;

const struct cmd *const cmd_table[] = {
	&cmd_create,        &cmd_list,    &cmd_vm_list, &cmd_vcpu_list, &cmd_console,
	&cmd_shutdown,      &cmd_reboot,  &cmd_destroy, &cmd_pause,     &cmd_unpause,
	&cmd_domid,         &cmd_domname, &cmd_info,    &cmd_dmesg,     &cmd_kernel_unpack,
	&cmd_restart_guest, &cmd_help,    NULL,
};

#define YET "not yet; "
/* xl's verbs that there are not, so that scripts read why instead of "no such command". */
const struct cmd cmd_unsupported[] = {
	{ .name = "block-attach", .unsupported = YET "it would need disks" },
	{ .name = "block-detach", .unsupported = YET "it would need disks" },
	{ .name = "block-list", .unsupported = YET "it would need disks" },
	{ .name = "button-press", .unsupported = "PVH guests have no buttons; shutdown asks them" },
	{ .name = "cd-eject", .unsupported = "PVH guests have no CD drives" },
	{ .name = "cd-insert", .unsupported = "PVH guests have no CD drives" },
	{ .name = "channel-list", .unsupported = YET "it would need further consoles" },
	{ .name = "claims", .unsupported = YET "list --json shows what is claimed" },
	{ .name = "config-update", .unsupported = YET "it would need guests that are defined" },
	{ .name = "cpupool-cpu-add", .unsupported = YET "it would need CPU pools" },
	{ .name = "cpupool-cpu-remove", .unsupported = YET "it would need CPU pools" },
	{ .name = "cpupool-create", .unsupported = YET "it would need CPU pools" },
	{ .name = "cpupool-destroy", .unsupported = YET "it would need CPU pools" },
	{ .name = "cpupool-list", .unsupported = YET "it would need CPU pools" },
	{ .name = "cpupool-migrate", .unsupported = YET "it would need CPU pools" },
	{ .name = "cpupool-numa-split", .unsupported = YET "it would need CPU pools" },
	{ .name = "cpupool-rename", .unsupported = YET "it would need CPU pools" },
	{ .name = "debug-keys", .unsupported = YET "the serial console's menu shows the same" },
	{ .name = "devd", .unsupported = "devices belong to the control domain" },
	{ .name = "dump-core", .unsupported = YET "it would need core dumps" },
	{ .name = "getenforce", .unsupported = "there are no security labels" },
	{ .name = "loadpolicy", .unsupported = "there are no security labels" },
	{ .name = "mem-max", .unsupported = YET "it would need ballooning" },
	{ .name = "mem-set", .unsupported = YET "it would need ballooning" },
	{ .name = "migrate", .unsupported = YET "it would need live migration" },
	{ .name = "migrate-receive", .unsupported = YET "it would need live migration" },
	{ .name = "network-attach", .unsupported = YET "it would need networks" },
	{ .name = "network-detach", .unsupported = YET "it would need networks" },
	{ .name = "network-list", .unsupported = YET "it would need networks" },
	{ .name = "pci-assignable-add", .unsupported = "devices belong to the control domain" },
	{ .name = "pci-assignable-list", .unsupported = "devices belong to the control domain" },
	{ .name = "pci-assignable-remove", .unsupported = "devices belong to the control domain" },
	{ .name = "pci-attach", .unsupported = "devices belong to the control domain" },
	{ .name = "pci-detach", .unsupported = "devices belong to the control domain" },
	{ .name = "pci-list", .unsupported = "devices belong to the control domain" },
	{ .name = "psr-cat-set", .unsupported = "cache and bandwidth are not partitioned" },
	{ .name = "psr-cat-show", .unsupported = "cache and bandwidth are not partitioned" },
	{ .name = "psr-cmt-attach", .unsupported = "cache and bandwidth are not partitioned" },
	{ .name = "psr-cmt-detach", .unsupported = "cache and bandwidth are not partitioned" },
	{ .name = "psr-cmt-show", .unsupported = "cache and bandwidth are not partitioned" },
	{ .name = "psr-hwinfo", .unsupported = "cache and bandwidth are not partitioned" },
	{ .name = "psr-mba-set", .unsupported = "cache and bandwidth are not partitioned" },
	{ .name = "psr-mba-show", .unsupported = "cache and bandwidth are not partitioned" },
	{ .name = "qemu-monitor-command", .unsupported = "there is no device model" },
	{ .name = "remus", .unsupported = "guests are not replicated" },
	{ .name = "rename", .unsupported = YET "name is set at creation" },
	{ .name = "restore", .unsupported = YET "it would need saved guests" },
	{ .name = "save", .unsupported = YET "it would need saved guests" },
	{ .name = "sched-credit", .unsupported = YET "cpu_weight and cap are set at creation" },
	{ .name = "sched-credit2", .unsupported = YET "cpu_weight and cap are set at creation" },
	{ .name = "sched-rtds", .unsupported = "there is one scheduler, with weights and caps" },
	{ .name = "set-parameters", .unsupported = YET "the boot loader's entry has them" },
	{ .name = "setenforce", .unsupported = "there are no security labels" },
	{ .name = "sharing", .unsupported = "pages are never shared between guests" },
	{ .name = "sysrq", .unsupported = YET "a break on the guest's own console does it" },
	{ .name = "top", .unsupported = YET "list shows the CPU time" },
	{ .name = "trigger", .unsupported = YET "shutdown and reboot ask a guest" },
	{ .name = "uptime", .unsupported = YET "it would need the times of starts" },
	{ .name = "usb-list", .unsupported = "there is no USB for guests" },
	{ .name = "usbctrl-attach", .unsupported = "there is no USB for guests" },
	{ .name = "usbctrl-detach", .unsupported = "there is no USB for guests" },
	{ .name = "usbdev-attach", .unsupported = "there is no USB for guests" },
	{ .name = "usbdev-detach", .unsupported = "there is no USB for guests" },
	{ .name = "vcpu-pin", .unsupported = YET "cpus and cpus_soft are set at creation" },
	{ .name = "vcpu-set", .unsupported = YET "vcpus is set at creation" },
	{ .name = "vdispl-attach", .unsupported = "there are no screens for guests" },
	{ .name = "vdispl-detach", .unsupported = "there are no screens for guests" },
	{ .name = "vdispl-list", .unsupported = "there are no screens for guests" },
	{ .name = "vkb-attach", .unsupported = "there are no keyboards for guests" },
	{ .name = "vkb-detach", .unsupported = "there are no keyboards for guests" },
	{ .name = "vkb-list", .unsupported = "there are no keyboards for guests" },
	{ .name = "vncviewer", .unsupported = "guests have a console and no screen" },
	{ .name = "vsnd-attach", .unsupported = "there is no sound for guests" },
	{ .name = "vsnd-detach", .unsupported = "there is no sound for guests" },
	{ .name = "vsnd-list", .unsupported = "there is no sound for guests" },
	{ .name = "vtpm-attach", .unsupported = "there are no emulated devices" },
	{ .name = "vtpm-detach", .unsupported = "there are no emulated devices" },
	{ .name = "vtpm-list", .unsupported = "there are no emulated devices" },
	{ 0 },
};

/*
 * A prefix is good while it is the only one among all of xl's verbs, those that are not served
 * included: what it means does not change when they come.
 */
const struct cmd *cmd_find(const char *name)
{
	const struct cmd *found = NULL;
	const size_t length = strlen(name);
	unsigned matches = 0;

	for (size_t i = 0; cmd_table[i]; i++) {
		if (!strcmp(cmd_table[i]->name, name))
			return cmd_table[i];
		if (!(cmd_table[i]->flags & CMD_HIDDEN) &&
		    !strncmp(cmd_table[i]->name, name, length)) {
			found = cmd_table[i];
			matches++;
		}
	}
	for (const struct cmd *c = cmd_unsupported; c->name; c++) {
		if (!strcmp(c->name, name))
			return c;
		if (!strncmp(c->name, name, length)) {
			found = c;
			matches++;
		}
	}
	return matches == 1 && length ? found : NULL;
}

static void option_line(const char *letter, const char *name, const char *arg, const char *help)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%s%s%s%s", letter, *letter && name ? ", " : "",
	         name ? "--" : "", name ? name : "", "");
	if (arg)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", name ? "=" : " ",
		         arg);
	printf("%-31s %s\n", text, help);
}

static void verb_usage(const struct cmd *cmd)
{
	printf("Usage: froe [-vqN] %s%s%s%s\n\n%s.\n\nOptions:\n\n", cmd->name,
	       cmd->options ? " [options]" : "", *cmd->arguments ? " " : "", cmd->arguments,
	       cmd->summary);
	for (const struct cmd_option *o = cmd->options; o && o->help; o++) {
		char letter[3] = "";

		if (o->letter > ' ')
			snprintf(letter, sizeof(letter), "-%c", o->letter);
		option_line(letter, o->name, o->arg, o->help);
	}
	option_line("-h", "help", NULL, "Print this help");
}

/* Four lines and then the verbs, each behind one space, as scripts for xl know it. */
void cmd_usage(const struct cmd *cmd)
{
	if (cmd) {
		verb_usage(cmd);
		return;
	}
	printf("Usage: froe [-vqNftT] [--json] [--format=FORMAT] [--no-header] [--timeout=SECONDS] "
	       "COMMAND [args]\n\nfroe full list of commands:\n\n");
	for (size_t i = 0; cmd_table[i]; i++)
		if (!(cmd_table[i]->flags & CMD_HIDDEN))
			printf(" %-19s %s\n", cmd_table[i]->name, cmd_table[i]->summary);
}
