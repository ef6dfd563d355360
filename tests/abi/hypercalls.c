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
#define ROW(op, type, way, who, handler)                                                           \
	printf("%-16s %2u  %-36s %2u  %-38s %-6s %4zu  %-7s %s\n", call, number, #op, op, #type,   \
	       way, way[0] == 'n' ? 0 : sizeof(type), #who, #handler);
#define END(name)
	const char *call;
	unsigned int number;

#include <hypercall_rows.h>
	return 0;
}
