#!/usr/bin/env bats
# froe kernel-unpack: the ELF file inside of a kernel.
load helpers

@test "kernel-unpack: options and errors" {
	usual kernel-unpack a b
	froe kernel-unpack a
	[ "$status" -eq 2 ]
	[[ $stderr == *"hint: froe kernel-unpack KERNEL ELF"* ]]
	fake <<<"fail what=unpack code=6 id=x error=no kernel: a"
	froe kernel-unpack a b
	[ "$status" -eq 6 ]
	[[ $stderr == "froe: kernel-unpack: no kernel: a"* ]]
	froe --json kernel-unpack a b
	json 'j["errors"][0]["item"] == "a"'
	json_errors
}

@test "kernel-unpack: from, to" {
	froe kernel-unpack vmlinuz vmlinux
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
	log_is "unpack vmlinuz vmlinux"
}
