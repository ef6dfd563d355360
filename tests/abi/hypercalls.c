/* SPDX-License-Identifier: GPL-2.0-only */
/* Prints the hypercall table, a line a row: call, sub-operation, structure, bytes, who, handler. */
#include <stdio.h>
#include <handlers.h>

int main(void)
{
#define NONE               "none"
#define IN                 "in"
#define OUT                "out"
#define IN_OUT             "in-out"
#define GROUP(name, where) call = #name, number = __HYPERVISOR_##name;
/* Not by way of ROW, which would be given numbers instead of names. */
#undef QUIET
#define QUIET(op, type, way, who)        LINE(#op, op, #type, sizeof(type), way, #who, "do_nothing")
#define ROW(op, type, way, who, handler) LINE(#op, op, #type, sizeof(type), way, #who, #handler)
#define LINE(name, op, type, size, way, who, handler)                                              \
	printf("%-16s %2u  %-36s %2u  %-38s %-6s %4zu  %-7s %s\n", call, number, name, op, type,   \
	       way, way[0] == 'n' ? 0 : size, who, handler);
#define END(name)
	const char *call;
	unsigned int number;

#include <hypercall_rows.h>
	return 0;
}
