/* SPDX-License-Identifier: GPL-2.0-only */
/* Unit tests: the machine's RAM is an anonymous mapping of the test process. */
#pragma once

extern u8 *unit_ram; /* unit_ram_init() */
#define DIRECTMAP_BASE ((u64)unit_ram)
