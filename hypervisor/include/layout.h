/* SPDX-License-Identifier: GPL-2.0-only */
/* Where things lie in the hypervisor's address space. Unit tests replace this header. */
#pragma once

#define DIRECTMAP_BASE 0xffff800000000000ULL /* all RAM, and firmware and MMIO pages on demand */
