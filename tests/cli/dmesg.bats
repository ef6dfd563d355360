#!/usr/bin/env bats
# froe dmesg: the hypervisor's messages as they are.
load helpers

@test "dmesg: options and errors" {
	usual dmesg
	fake <<<"fail what=dmesg code=12 id=x error=no hypervisor"
	froe dmesg
	[ "$status" -eq 12 ]
	froe dmesg more
	[ "$status" -eq 2 ]
}

@test "dmesg, and -c clears them" {
	echo 'dmesg froe: one|  "two", 3|' >>fake
	froe dmesg
	says <<<$'froe: one\n  "two", 3'
	log_is dmesg
	froe dmesg -c
	froe dmesg --clear
	log_is dmesg "dmesg clear" "dmesg clear"
	froe --json dmesg
	json 'j["items"] == [{"text": "froe: one\n  \"two\", 3\n"}]'
}
