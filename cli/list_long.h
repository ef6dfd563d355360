/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * froe list -l: domains with their configurations, as xl's scripts know it.
 */
#pragma once

#include "cmd.h"

void list_long_begin(struct call *c);
void list_long_row(struct call *c, const void *row);
void list_long_end(struct call *c);
