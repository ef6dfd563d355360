#!/usr/bin/env bats
# froe info: the machine and its hypervisor.
load helpers

@test "info: options and errors" {
	usual info
	fake <<<"fail what=host code=12 id=x error=no hypervisor"
	froe info
	[ "$status" -eq 12 ]
}

@test "info: xl's fields in xl's order" {
	froe info
	[ "$status" -eq 0 ]
	says <<-END
		host                   : $(uname -n)
		release                : $(uname -r)
		version                : $(uname -v)
		machine                : $(uname -m)
		nr_cpus                : 2
		max_cpu_id             : 1
		nr_nodes               : 1
		cores_per_socket       : 2
		threads_per_core       : 1
		cpu_mhz                : 2400.050
		hw_caps                : 178bfbff:f7fa3223:2e500800:244037ff:0000000f:219c91a9:00000000:00000100
		virt_caps              : hvm hap
		total_memory           : 4095
		free_memory            : 1900
		sharing_freed_memory   : 0
		sharing_used_memory    : 0
		outstanding_claims     : 100
		free_cpus              : 0
		xen_major              : 4
		xen_minor              : 17
		xen_extra              : .0-froe
		xen_version            : 4.17.0-froe
		xen_caps               : hvm-3.0-x86_64
		xen_scheduler          : credit2
		xen_pagesize           : 4096
		platform_params        : virt_start=0xffff800000000000
		xen_changeset          : unavailable
		xen_commandline        : dom0_mem=1G
		cc_compiler            : gcc
		cc_compile_by          : froe
		cc_compile_domain      : (none)
		cc_compile_date        : (none)
		build_id               : 
		xend_config_format     : 4
	END
}

@test "info FIELD: its value alone" {
	froe info free_memory
	[ "$output" = 1900 ]
	froe info cpu_mhz
	[ "$output" = 2400.050 ]
	froe info nosuch
	[ "$status" -eq 10 ]
	froe --json info total_memory
	json 'j["items"] == [{"total_memory_bytes": 4095 << 20}]'
}

@test "info -n: topology" {
	froe info -n
	output=$(sed -n '/^cpu_topology/,$p' <<<"$output")
	says <<-END
		cpu_topology           :
		cpu:    core    socket     node
		  0:       0        0        0
		  1:       1        0        0
		device topology        :
		device           node
		No device topology data available
		numa_info              :
		node:    memsize    memfree    distances
		   0:      4095       1900      10
	END
}

@test "info --json: bytes" {
	froe --json info
	json 'j["items"][0]["free_memory_bytes"] == 1900 << 20 and j["items"][0]["nr_cpus"] == 2'
	json 'not any(k.endswith("_memory") or k == "cpu_mhz" for k in j["items"][0])'
}
