/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds a CPU that does not come out of the hypervisor (arch/x86/watchdog.c). */
#pragma once

struct cpu;

#define WATCHDOG_SECONDS 10

/* Start the checks on all CPUs; once, when all of them schedule. */
void watchdog_start(void);
/* For the NMI handler of c: its neighbour has given it up. */
bool watchdog_accused(const struct cpu *c);
/* An NMI that nobody here asked for: reported from the next check. */
void watchdog_count_nmi(struct cpu *c);
