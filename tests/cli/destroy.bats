#!/usr/bin/env bats
# froe destroy: end guests at once.
load helpers

@test "destroy: options and errors" {
	usual destroy web1
	setup
	needs_guest destroy
}

@test "destroy: does it and says nothing" {
	froe destroy web1
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ -z "$stderr" ]
	log_is "destroy 1"
	froe --json destroy 1
	json 'j["items"][0]["domid"] == 1 and j["items"][0]["name"] == "web1"'
}

@test "destroy: several; one that fails does not keep the others" {
	froe destroy nosuch web1
	[ "$status" -eq 10 ]
	log_is "destroy 1"
}

@test "destroy: what the hypervisor refuses is told" {
	echo "fail what=destroy code=1 id=x error=it will not" >>fake
	froe destroy web1
	[ "$status" -eq 1 ]
	[[ $stderr == "froe: destroy: it will not"* ]]
}

@test "destroy: never the control domain" {
	for who in 0 Domain-0; do
		froe destroy $who
		[ "$status" -eq 1 ]
		[[ $stderr == "froe: destroy: Domain-0: the control domain c"*hint:* ]]
	done
	froe destroy -f 0
	[ "$status" -eq 1 ]
	froe destroy -f db
	[ "$status" -eq 0 ]
	log_is "destroy 3"
}

@test "destroy: one that dies already" {
	echo "domain id=9 flags=psd reason=0 memory=4096 vcpus=1 time=0" >>fake
	froe destroy 9
	[ "$status" -eq 11 ]
	[[ $stderr == "froe: destroy: (null): is dying already"* ]]
	log_is
}

@test "destroy: in a restart, and again in one: its next life" {
	echo "restart id=1 next=6" >>fake
	echo "restart id=6 next=7" >>fake
	froe destroy web1
	[ "$status" -eq 0 ]
	log_is "restarted 1" "restarted 6" "destroy 7"
	froe list web1
	[ "$status" -eq 0 ]
	log_is "restarted 1" "restarted 6" "destroy 7"
}
